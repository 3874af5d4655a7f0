import pytest

from domain.scores import Reason
from domain.vocabulary import ScoreKind
from insights.advice.actions import (
    CHURN_STEPS,
    DEFAULT_ACTION,
    NO_ACTION,
    NO_SHOW_STEPS,
    action_for,
    agenda,
    contact_action,
)
from tests.lib.tutor_scores import tutor_score as score


def _raises(*themes: str) -> tuple[Reason, ...]:
    return tuple(Reason(theme=theme, text=theme, effect=0.5) for theme in themes)


def test_advice_follows_the_reasons_that_raise_a_risk() -> None:
    assert action_for(score(ScoreKind.NO_SHOW_14D, 0.6)) == str(NO_SHOW_STEPS["silence"])
    assert action_for(score(ScoreKind.CHURN_30D, 0.6)) == str(CHURN_STEPS["silence"])
    assert action_for(score(ScoreKind.CHURN_30D, 0.6, theme="moon")) == DEFAULT_ACTION


def test_the_first_step_says_by_when_and_the_others_follow_once_each() -> None:
    first, second = NO_SHOW_STEPS["no-shows"], NO_SHOW_STEPS["load"]
    both = score(ScoreKind.NO_SHOW_14D, 0.6).model_copy(update={"reasons": _raises("no-shows", "load", "no-shows")})
    assert action_for(both) == f"{first.when}: {first.what}; {second.what}"
    assert agenda([]) == DEFAULT_ACTION


@pytest.mark.parametrize(("risk", "advised"), [(0.1, False), (0.2, True), (0.6, True)])
@pytest.mark.parametrize("kind", [ScoreKind.HELP, ScoreKind.NO_SHOW_14D, ScoreKind.CHURN_30D])
def test_watch_and_act_always_have_advice(kind: ScoreKind, risk: float, advised: bool) -> None:
    bare = score(kind, risk).model_copy(update={"reasons": ()})
    assert (action_for(bare) != NO_ACTION) == advised


def test_a_low_quality_is_advised_about_by_the_reasons_that_lower_it() -> None:
    low = Reason(theme="quality", text="", effect=-0.5)
    assert action_for(score(ScoreKind.SESSION_QUALITY, 0.4).model_copy(update={"reasons": (low,)})) == str(
        CHURN_STEPS["quality"]
    )


def test_a_contact_has_the_step_for_the_first_reason_that_can_be_acted_on() -> None:
    calm = Reason(theme="load", text="", effect=-1)
    assert contact_action((calm, *_raises("booking", "silence", "pair"))) == str(NO_SHOW_STEPS["silence"])
    assert contact_action((calm,)) == DEFAULT_ACTION
