import pytest

from insights.rates.usual import Usual, estimate_usual
from tests.lib.rate_histories import NOW, held, history, moved


def test_what_is_usual_is_learnt_from_many_tutors_and_stands_fixed_for_few() -> None:
    many = [held(n, n + 1, f"t{t}", rating=4.0 + t % 2) for t in range(30) for n in range(10)]
    moves = tuple(moved(n, n + 1, f"t{t}") for t in range(30) for n in range(t % 5))
    learnt = estimate_usual(history(many, moves), NOW)
    assert learnt.reschedules.rate == pytest.approx(0.2)
    assert learnt.quality.prior.rate == pytest.approx(0.875)
    assert estimate_usual(history(many[:50]), NOW) == Usual()
