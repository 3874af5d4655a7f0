import pytest

from domain.vocabulary import Band, ScoreKind
from insights.advice.actions import CHURN_STEPS, NO_SHOW_STEPS, agenda
from insights.advice.ranking import help_scores
from tests.lib.tutor_scores import tutor_score as score


def test_help_is_the_chance_of_either_and_ranks_highest_first() -> None:
    no_show = [score(ScoreKind.NO_SHOW_14D, 0.5), score(ScoreKind.NO_SHOW_14D, 0.9, tutor="T2")]
    churn = [score(ScoreKind.CHURN_30D, 0.2, theme="quality")]
    first, second = help_scores(no_show, churn)
    assert (first.subject_id, second.subject_id) == ("T2", "T1")
    assert second.value == pytest.approx(1 - 0.5 * 0.8)
    assert [r.theme for r in second.reasons] == ["silence", "quality"]
    assert second.model_version == "churn_30d/1 + no_show_14d/1"


def test_help_in_watch_has_advice_though_each_risk_alone_is_ok() -> None:
    (watch,) = help_scores([score(ScoreKind.NO_SHOW_14D, 0.15)], [score(ScoreKind.CHURN_30D, 0.12, theme="quality")])
    assert watch.band is Band.WATCH
    assert watch.action == agenda([NO_SHOW_STEPS["silence"], CHURN_STEPS["quality"]])


def test_the_two_risks_do_not_say_the_same() -> None:
    (both,) = help_scores(
        [score(ScoreKind.NO_SHOW_14D, 0.5, "no-shows")], [score(ScoreKind.CHURN_30D, 0.2, "lateness")]
    )
    assert [reason.theme for reason in both.reasons] == ["no-shows"]
