"""Reschedule rates and quality: counts, shrinkage and intervals."""

import pytest

from domain.score_kinds import QUALITY_ACT, RESCHEDULE_ACT
from domain.vocabulary import Band, ScoreKind
from features.as_of.priors import Prior
from insights.rates.rate_priors import MeanPrior, RatePriors
from insights.rates.tutor_rates import rate_scores
from tests.lib.rate_histories import NOW, held, history, moved, of

USUAL = RatePriors(
    reschedules=Prior(rate=0.1, strength=10),
    quality=MeanPrior(prior=Prior(rate=0.8, strength=4), variance=0.04),
    first_quality=MeanPrior(prior=Prior(rate=0.7, strength=2), variance=0.09),
)


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


def test_a_tutors_scores_do_not_depend_on_who_else_is_scored_beside_them() -> None:
    own = [held(n, n + 1, rating=3.0) for n in range(6)]
    others = [held(n, n + 1, "ben", rating=5.0) for n in range(9)]
    alone = rate_scores(history(own, (moved(0, 2),)), NOW, USUAL)
    beside = rate_scores(history([*own, *others], (moved(0, 2), moved(0, 2, "ben"))), NOW, USUAL)
    assert [s for s in beside if s.subject_id == "ada"] == alone
