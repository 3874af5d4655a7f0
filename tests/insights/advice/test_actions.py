from domain.scores import Reason
from domain.vocabulary import ScoreKind
from insights.advice.actions import (
    CHURN_ACTIONS,
    DEFAULT_ACTION,
    NO_ACTION,
    NO_SHOW_ACTIONS,
    action_for,
    contact_action,
)
from tests.lib.tutor_scores import tutor_score as score


def test_what_to_do_follows_the_strongest_reason_of_the_larger_risk() -> None:
    assert action_for(score(ScoreKind.NO_SHOW_14D, 0.6)) == NO_SHOW_ACTIONS["silence"]
    assert action_for(score(ScoreKind.CHURN_30D, 0.6)) == CHURN_ACTIONS["silence"]
    assert action_for(score(ScoreKind.CHURN_30D, 0.6, theme="moon")) == DEFAULT_ACTION
    assert action_for(score(ScoreKind.CHURN_30D, 0.1)) == NO_ACTION


def test_the_action_follows_the_first_reason_that_raises_the_risk() -> None:
    calm, silence = Reason(theme="load", text="", effect=-1), Reason(theme="silence", text="", effect=0.4)
    assert contact_action((calm, silence)) == NO_SHOW_ACTIONS["silence"]
    assert contact_action((calm,)) == DEFAULT_ACTION
