"""Reschedule rates and quality: what they count, how they shrink, and how sure they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from domain.scores import QUALITY_ACT, RESCHEDULE_ACT, Score, band_of
from domain.vocabulary import Band, ScoreKind
from features.as_of.priors import Prior
from features.history.history import History
from insights.rates.session_quality import session_scores
from insights.rates.shrinkage import shrunk_mean, shrunk_rate
from insights.rates.tutor_rates import rate_scores
from insights.rates.usual import Usual, UsualMean, estimate_usual
from tests.lib.histories import dataset

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
USUAL = Usual(
    reschedules=Prior(rate=0.1, strength=10),
    quality=UsualMean(prior=Prior(rate=0.8, strength=4), variance=0.04),
    first_quality=UsualMean(prior=Prior(rate=0.7, strength=2), variance=0.09),
)


def held(number: int, days_ago: float, tutor: str = "ada", **more: Any) -> dict[str, Any]:
    starts_at = NOW - timedelta(days=days_ago)
    return {
        "session_id": f"{tutor}-{number}", "tutor_id": tutor, "student_id": "s1", "starts_at": starts_at,
        "booked_at": starts_at - timedelta(days=5), "status": "completed",
        "outcome_known_at": starts_at + timedelta(hours=1),
    } | more  # fmt: skip


def moved(number: int, days_ago: float, tutor: str = "ada", **more: Any) -> dict[str, Any]:
    asked = NOW - timedelta(days=days_ago)
    return {
        "reschedule_id": f"r-{tutor}-{number}", "session_id": f"{tutor}-{number}", "tutor_id": tutor,
        "initiator": "tutor", "requested_at": asked, "old_starts_at": asked, "new_starts_at": asked,
    } | more  # fmt: skip


def history(sessions: list[dict[str, Any]], reschedules: tuple[dict[str, Any], ...] = ()) -> History:
    names = ("ada", "ben", *sorted({s["tutor_id"] for s in sessions} - {"ada", "ben"}))
    students = sorted({s["student_id"] for s in sessions} - {None})
    return History(
        dataset(
            {
                "tutors": [{"tutor_id": name} for name in names],
                "students": [{"student_id": name} for name in students],
                "sessions": sessions,
                "reschedules": list(reschedules),
            }
        )
    )


def of(scores: list[Score], kind: ScoreKind, subject: str = "ada") -> Score:
    (found,) = [score for score in scores if (score.kind, score.subject_id) == (kind, subject)]
    return found


def test_a_rate_counts_the_tutors_own_moves_of_its_days_and_says_so() -> None:
    sessions = [held(n, 2 * n + 1) for n in range(12)]
    moves = (
        moved(0, 3, reason_code="illness"),
        moved(1, 20, reason_code="illness"),
        moved(2, 25, reason_code="family"),
        moved(3, 26, initiator="student"),
        moved(4, 60),
    )
    found = rate_scores(history(sessions, moves), NOW, USUAL)
    month = of(found, ScoreKind.RESCHEDULE_RATE_30D)
    assert month.value == pytest.approx((3 + 10 * 0.1) / (12 + 10))
    assert month.low < month.value < month.high
    assert month.reasons[0].text == "3 of 12 sessions moved by the tutor in 30 days, 2 of them for illness"
    assert month.reasons[0].effect > 0
    assert (month.model_version, month.act_from, month.as_of) == ("rates-1", RESCHEDULE_ACT, NOW)
    week = of(found, ScoreKind.RESCHEDULE_RATE_7D)
    assert week.reasons[0].text == "1 of 4 sessions moved by the tutor in 7 days, 1 of them for illness"
    assert of(found, ScoreKind.RESCHEDULE_RATE_90D).value == pytest.approx((4 + 1) / (12 + 10))


def test_a_week_without_sessions_shows_what_is_usual_and_says_that_it_does() -> None:
    week = of(rate_scores(history([held(0, 20)]), NOW, USUAL), ScoreKind.RESCHEDULE_RATE_7D)
    assert week.value == pytest.approx(0.1)
    assert "no session in the last 7 days" in week.reasons[0].text
    assert week.high - week.low > 0.2


def test_only_active_tutors_have_rates_and_only_rated_ones_a_quality() -> None:
    found = rate_scores(history([held(0, 3), held(0, 40, "ben")]), NOW, USUAL)
    assert {score.subject_id for score in found} == {"ada"}
    assert {score.kind for score in found} == {
        ScoreKind.RESCHEDULE_RATE_7D, ScoreKind.RESCHEDULE_RATE_30D, ScoreKind.RESCHEDULE_RATE_90D,
    }  # fmt: skip
    assert rate_scores(history([held(0, 40)]), NOW, USUAL) == []


def test_quality_is_the_mean_rating_pulled_toward_the_usual_and_first_sessions_count_apart() -> None:
    firsts = [held(n, 20 - n, student_id=f"s{n}", rating=2.0) for n in range(3)]
    later = [held(10 + n, 10 - n, student_id="s0", rating=5.0) for n in range(5)]
    old = held(20, 95, student_id="s9", rating=1.0)
    found = rate_scores(history([*firsts, *later, old]), NOW, USUAL)
    whole, first = of(found, ScoreKind.SESSION_QUALITY), of(found, ScoreKind.FIRST_SESSION_QUALITY)
    assert whole.value == pytest.approx((3 * 0.25 + 5 * 1.0 + 4 * 0.8) / (8 + 4))
    assert first.value == pytest.approx((3 * 0.25 + 2 * 0.7) / (3 + 2))
    assert first.reasons[0].text == "2.0 stars on average of 3 rated first sessions in 90 days (usual: 3.8)"
    assert first.reasons[0].effect < 0
    assert (first.band, first.act_from) == (Band.ACT, QUALITY_ACT)


def test_nothing_known_at_or_after_the_moment_counts() -> None:
    sessions = [held(n, n + 1, rating=4.0) for n in range(5)]
    moves = (moved(0, 2),)
    before = rate_scores(history(sessions, moves), NOW, USUAL)
    late = [held(9, -1, rating=1.0), held(8, 0.02, rating=1.0)]
    after = rate_scores(history([*sessions, *late], (*moves, moved(1, 0), moved(2, -1))), NOW, USUAL)
    assert [(s.kind, s.value) for s in after] == [(s.kind, s.value) for s in before]


def test_what_is_usual_is_learnt_from_many_tutors_and_stands_fixed_for_few() -> None:
    many = [held(n, n + 1, f"t{t}", rating=4.0 + t % 2) for t in range(30) for n in range(10)]
    moves = tuple(moved(n, n + 1, f"t{t}") for t in range(30) for n in range(t % 5))
    learnt = estimate_usual(history(many, moves), NOW)
    assert learnt.reschedules.rate == pytest.approx(0.2)
    assert learnt.quality.prior.rate == pytest.approx(0.875)
    assert estimate_usual(history(many[:50]), NOW) == Usual()


def test_a_tutors_scores_do_not_depend_on_who_else_is_scored_beside_them() -> None:
    own = [held(n, n + 1, rating=3.0) for n in range(6)]
    others = [held(n, n + 1, "ben", rating=5.0) for n in range(9)]
    alone = rate_scores(history(own, (moved(0, 2),)), NOW, USUAL)
    beside = rate_scores(history([*own, *others], (moved(0, 2), moved(0, 2, "ben"))), NOW, USUAL)
    assert [s for s in beside if s.subject_id == "ada"] == alone


def test_intervals_of_rates_and_means_hold_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    prior, n = Prior(rate=0.13, strength=26), rng.integers(0, 60, 20_000).astype(np.float64)
    truth = rng.beta(prior.rate * prior.strength, (1 - prior.rate) * prior.strength, n.size)
    events = rng.binomial(n.astype(int), truth).astype(np.float64)
    rate = shrunk_rate(events, n, prior)
    assert 0.94 < np.mean((rate.low <= truth) & (truth <= rate.high)) < 0.96
    posterior = stats.beta(events + prior.rate * prior.strength, n - events + (1 - prior.rate) * prior.strength)
    assert max(np.abs(rate.low - posterior.ppf(0.025)).max(), np.abs(rate.high - posterior.ppf(0.975)).max()) < 0.01
    quality = rng.normal(0.6, np.sqrt(0.02 / 4), n.size)
    totals = n * quality + rng.normal(0, np.sqrt(0.02 * n))
    mean = shrunk_mean(totals, n, Prior(rate=0.6, strength=4), 0.02)
    assert 0.94 < np.mean((mean.low <= quality) & (quality <= mean.high)) < 0.96


def test_a_completed_session_with_a_rating_has_a_quality_and_no_other() -> None:
    found = history(
        [held(0, 3, rating=4.0), held(1, 2), held(2, 1, status="no_show", rating=1.0), held(3, 1, rating=1.0)]
    )
    scores = session_scores(found, np.arange(4), NOW)
    assert [(s.subject_id, s.value, s.low, s.high) for s in scores] == [
        ("ada-0", 0.75, 0.625, 0.875), ("ada-3", 0.0, 0.0, 0.125),
    ]  # fmt: skip
    assert [s.band for s in scores] == [Band.OK, Band.ACT]
    assert scores[0].reasons[0].text == "rated 4 of 5 stars"


@pytest.mark.parametrize(
    ("kind", "value", "act_from", "expected"),
    [
        (ScoreKind.HELP, 0.5, 0.5, Band.ACT),
        (ScoreKind.HELP, 0.99, None, Band.WATCH),
        (ScoreKind.RESCHEDULE_RATE_30D, 0.36, RESCHEDULE_ACT, Band.ACT),
        (ScoreKind.RESCHEDULE_RATE_30D, 0.2, RESCHEDULE_ACT, Band.WATCH),
        (ScoreKind.SESSION_QUALITY, 0.9, QUALITY_ACT, Band.OK),
        (ScoreKind.SESSION_QUALITY, 0.6, QUALITY_ACT, Band.WATCH),
        (ScoreKind.FIRST_SESSION_QUALITY, 0.4, QUALITY_ACT, Band.ACT),
        (ScoreKind.FIRST_SESSION_QUALITY, 0.4, None, Band.WATCH),
    ],
)
def test_bands_know_whether_large_or_small_values_are_bad(
    kind: ScoreKind, value: float, act_from: float | None, expected: Band
) -> None:
    assert band_of(kind, value, act_from) is expected
