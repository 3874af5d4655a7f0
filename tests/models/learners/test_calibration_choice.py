"""Choice of a calibration: planted curves are found, noise is not, and a level is counted once."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.learners import calibration
from models.learners.calibration import Calibration, expit, log_losses
from models.learners.calibration_choice import beta, choose, isotonic, on_served, shifted

Values = NDArray[np.float64]
N = 20_000


def drawn(log_odds_of: object, seed: int = 0) -> tuple[Values, Values, NDArray[np.int64], NDArray[np.int64]]:
    """Margins, labels drawn from their true log-odds, tutors and moments."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-1, 1.5, N)
    labels = (rng.random(N) < expit(log_odds_of(margins))).astype(float)  # type: ignore[operator]
    return margins, labels, rng.integers(0, 400, N), np.sort(rng.integers(0, 10**9, N))


def kind(chosen: Calibration) -> str:
    if chosen.knots:
        return "isotonic"
    return "beta" if chosen.bend else "none" if chosen.slope == 1 else "platt"


@pytest.mark.parametrize("seed", range(5))
def test_margins_that_are_calibrated_stay_as_they_are(seed: int) -> None:
    rows = drawn(lambda margins: margins, seed)
    assert kind(choose(*rows)) == "none"


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("platt", lambda m: 0.5 * m - 0.3),
        ("beta", lambda m: 0.3 * m + 1.5 * np.logaddexp(0, m)),
        ("isotonic", lambda m: np.where(m < -1, -3.0, 0.5) + 0.1 * m),
    ],
)
def test_a_planted_curve_is_chosen_and_met(name: str, truth: object) -> None:
    margins, labels, tutors, as_of = drawn(truth, 1)
    chosen = choose(margins, labels, tutors, as_of)
    assert kind(chosen) == name
    later, outcomes, *_ = drawn(truth, 2)
    best = log_losses(truth(later), outcomes).mean()  # type: ignore[operator]
    assert log_losses(chosen.log_odds(later), outcomes).mean() < best + 0.003


def test_few_outcomes_in_a_half_choose_no_curve() -> None:
    margins, labels, tutors, as_of = drawn(lambda m: 0.2 * m - 7.6, 3)
    assert 10 <= labels.sum() < 20
    assert choose(margins, labels, tutors, as_of).slope == 1


@pytest.mark.parametrize("fit", [shifted, calibration.fit, beta, isotonic])
def test_every_calibration_keeps_order_and_mean_and_its_contributions_sum(fit: object) -> None:
    margins, labels, tutors, _ = drawn(lambda m: 0.3 * m + np.logaddexp(0, m), 4)
    fitted: Calibration = fit(margins, labels, tutors)  # type: ignore[operator]
    wide = np.linspace(-30, 30, 2001)
    assert (np.diff(fitted.log_odds(wide)) > 0).all()
    assert fitted.probability(margins).mean() == pytest.approx(labels.mean(), abs=1e-4)
    base = np.full(wide.size, -0.7)
    summed = fitted.log_odds(base) + fitted.chord(wide, base) * (wide - base)
    np.testing.assert_allclose(summed, fitted.log_odds(wide), atol=1e-3)
    low, high = fitted.interval(margins)
    assert ((low < fitted.probability(margins)) & (fitted.probability(margins) < high)).all()
    assert Calibration.model_validate_json(fitted.model_dump_json()) == fitted


def test_a_level_that_the_served_model_has_learnt_is_not_added_again() -> None:
    margins, labels, tutors, as_of = drawn(lambda m: m + 0.8, 5)
    chosen = choose(margins, labels, tutors, as_of)  # the trial model is 0.8 too low
    assert chosen.intercept == pytest.approx(0.8, abs=0.1)
    served = margins + 0.8  # the served model is not
    of_served = on_served(chosen, served, labels, tutors)
    assert of_served.probability(served).mean() == pytest.approx(expit(served).mean(), abs=1e-9)
    half = on_served(chosen, margins + 0.4, labels, tutors)
    assert half.probability(margins + 0.4).mean() == pytest.approx(labels.mean(), abs=1e-9)
