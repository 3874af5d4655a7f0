import pytest

from insights.rates.rate_priors import RatePriors, estimate_rate_priors
from tests.lib.rate_histories import NOW, held, history, moved


def test_what_is_usual_is_learnt_from_many_tutors_and_stands_fixed_for_few() -> None:
    many = [held(n, n + 1, f"t{t}", rating=4.0 + t % 2) for t in range(30) for n in range(10)]
    moves = tuple(moved(n, n + 1, f"t{t}") for t in range(30) for n in range(t % 5))
    learnt = estimate_rate_priors(history(many, moves), NOW)
    assert learnt.reschedules.rate == pytest.approx(0.2)
    assert learnt.quality.prior.rate == pytest.approx(0.875)
    assert estimate_rate_priors(history(many[:50]), NOW) == RatePriors()
