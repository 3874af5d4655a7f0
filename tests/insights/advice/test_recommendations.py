from datetime import timedelta

from domain.disclosure import without_advice
from domain.interventions import Effect
from domain.vocabulary import ScoreKind, SubjectKind
from insights.advice.recommendations import (
    NOT_SCORED,
    NOTHING,
    RECOMMENDED,
    WITHHELD_SUMMARY,
    Recommendation,
    ScoredSession,
    recommend,
    summary,
)
from tests.lib.small_dataset import NOON
from tests.lib.tutor_scores import tutor_score

SOON = NOON + timedelta(hours=3)
NO_SHOW, CHURN = tutor_score(ScoreKind.NO_SHOW_14D, 0.6), tutor_score(ScoreKind.CHURN_30D, 0.3, theme="quality")


def _session(value: float, listed: bool) -> ScoredSession:
    about = {"subject_kind": SubjectKind.SESSION, "subject_id": "x1", "action": "Call"}
    return ScoredSession(tutor_score(ScoreKind.NO_SHOW, value).model_copy(update=about), SOON, listed)


def _nothing_measured(action: str | None) -> Effect | None:
    return None


def _values(found: list[Recommendation]) -> list[float]:
    return [one.score.value for one in found]


def test_the_most_pressing_comes_first_and_nothing_is_recommended_below_the_watch_band() -> None:
    calm = tutor_score(ScoreKind.CHURN_30D, 0.05)
    found = recommend([CHURN, NO_SHOW, calm], [_session(0.4, True), _session(0.1, False)], _nothing_measured)
    assert _values(found) == [0.6, 0.4, 0.3]
    assert [one.starts_at for one in found] == [None, SOON, None]


def test_about_a_tutor_in_the_holdout_nothing_is_recommended_but_what_concerns_leaving() -> None:
    session = _session(0.4, False)
    withheld = ScoredSession(without_advice(session.score), session.starts_at, session.is_listed)
    found = recommend([CHURN, without_advice(NO_SHOW)], [withheld], _nothing_measured)
    assert _values(found) == [0.3]


def test_the_summary_tells_why_nothing_is_recommended() -> None:
    recommended = recommend([CHURN], [], _nothing_measured)
    assert summary(recommended, is_scored=True, withheld=False) == RECOMMENDED
    assert summary([], is_scored=True, withheld=False) == NOTHING
    assert summary(recommended, is_scored=True, withheld=True) == WITHHELD_SUMMARY
    assert summary([], is_scored=False, withheld=False) == NOT_SCORED
