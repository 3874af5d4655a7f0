"""Tiers: precision of the threshold on later data, hand-computed figures, and "no threshold" if none qualifies."""

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.horizons import WATCH_RISK
from models.evaluate.proportions import clustered_interval
from models.evaluate.tiers import MIN_TUTORS, choose_act_threshold, recall_at_precision, tier_figures, tiers
from models.learners.calibration import expit

Values = NDArray[np.float64]
Ints = NDArray[np.int64]


def tutors_by_week(seed: int, n_tutors: int = 600, weeks: int = 6, spread: float = 0.0) -> tuple[Values, Values, Ints]:
    """(true risks without the tutor's own shift, labels, tutors), one row per tutor and week."""
    rng = np.random.default_rng(seed)
    tutor = np.repeat(np.arange(n_tutors), weeks)
    margin = rng.normal(-1.5, 2, n_tutors)[tutor] + rng.normal(0, 0.3, tutor.size)
    shift = rng.normal(0, spread, n_tutors)[tutor] if spread else 0.0
    labels = (rng.random(tutor.size) < expit(margin + shift)).astype(float)
    return expit(margin), labels, tutor


def plain_threshold(risk: Values, labels: Values, tutors: Ints) -> float | None:
    """Reference implementation of the choice: tries every threshold."""
    found = None
    for threshold in np.unique(risk)[::-1]:
        flagged = risk >= threshold
        low, _ = clustered_interval(labels[flagged], np.zeros(flagged.sum(), np.int64), tutors[flagged])
        if low[0] >= 0.7 and np.unique(tutors[flagged]).size >= MIN_TUTORS:
            found = float(threshold)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_the_lowest_at_which_the_lower_bound_holds(seed: int) -> None:
    risk, labels, tutors = tutors_by_week(seed, n_tutors=100, weeks=4, spread=0.8)
    risk = np.round(risk, 2)  # with ties
    assert choose_act_threshold(risk, labels, tutors) == plain_threshold(risk, labels, tutors)


def test_the_promised_precision_is_kept_on_a_later_window() -> None:
    kept = []
    for seed in range(30):
        threshold = choose_act_threshold(*tutors_by_week(seed))
        assert threshold is not None
        risk, labels, _ = tutors_by_week(1000 + seed)
        kept.append(labels[risk >= threshold].mean() >= 0.70)
    assert np.mean(kept) >= 0.9


def test_tutors_who_go_together_ask_for_a_higher_threshold() -> None:
    risk, labels, tutors = tutors_by_week(1, spread=1.5)
    together, alone = (choose_act_threshold(risk, labels, of) for of in (tutors, np.arange(risk.size)))
    assert together is not None
    assert alone is not None
    assert together > alone


@pytest.mark.parametrize("risks", [np.zeros(0), np.full(4, 0.9), np.full(5000, 0.3)], ids=["none", "few", "unsure"])
def test_without_surety_there_is_no_threshold(risks: Values) -> None:
    labels = (np.random.default_rng(0).random(risks.size) < risks).astype(float)
    assert choose_act_threshold(risks, labels, np.arange(risks.size)) is None


def test_hits_of_a_few_tutors_only_make_no_threshold() -> None:
    tutors = np.repeat(np.arange(MIN_TUTORS - 1), 50)
    assert choose_act_threshold(np.full(tutors.size, 0.9), np.ones(tutors.size), tutors) is None


def test_tier_figures_by_hand() -> None:
    risk = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    labels = np.array([1.0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    tier = tier_figures("act", 0.7, risk, labels, np.arange(10), seed=0, repeats=50)
    found = [
        figure.value for figure in (tier.flagged, tier.precision, tier.recall, tier.lift, tier.prevalence) if figure
    ]
    assert found == pytest.approx([0.3, 2 / 3, 2 / 3, (2 / 3) / 0.3, 0.3])
    assert tier.precision is not None
    assert tier.precision.low < 2 / 3 < tier.precision.high


def test_the_intervals_of_a_tier_widen_where_tutors_differ() -> None:
    risk, labels, tutors = tutors_by_week(2, n_tutors=200, spread=2.0)

    def width(of: Ints) -> float:
        figure = tier_figures("watch", WATCH_RISK, risk, labels, of, seed=0, repeats=200).precision
        assert figure is not None
        return figure.high - figure.low

    assert width(tutors) > 1.4 * width(np.arange(risk.size))


def test_a_tier_without_a_threshold_has_no_figures_and_one_that_flags_nobody_no_precision() -> None:
    risk, labels, tutors = tutors_by_week(3, n_tutors=50)
    assert tier_figures("act", None, risk, labels, tutors, seed=0).precision is None
    nobody = tier_figures("act", 1.1, risk, labels, tutors, seed=0, repeats=10)
    assert nobody.precision is not None
    assert np.isnan(nobody.precision.value)
    assert nobody.flagged is not None
    assert nobody.flagged.value == 0


def test_both_tiers_stand_beside_the_ceiling_at_their_own_precision() -> None:
    true, labels, tutors = tutors_by_week(4)
    risk = expit(np.log(true / (1 - true)) + np.random.default_rng(0).normal(0, 1, true.size))
    watch, act = tiers(0.8, risk, labels, tutors, seed=0, true=true, repeats=50)
    assert (watch.name, watch.threshold, act.name, act.threshold) == ("watch", WATCH_RISK, "act", 0.8)
    for tier in (watch, act):
        assert tier.ceiling is not None
        assert tier.recall is not None
        assert tier.ceiling.value > tier.recall.value  # noise lowers recall
    assert tiers(None, risk, labels, tutors, seed=0, true=true, repeats=5)[1].ceiling is None
    assert tiers(0.8, risk, labels, tutors, seed=0, repeats=5)[1].ceiling is None


def test_the_ceiling_flags_as_many_as_the_precision_allows() -> None:
    risk, labels, tutors = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([1.0, 0, 1, 1, 0]), np.arange(5)
    found = {
        precision: recall_at_precision(precision, risk, labels, tutors, seed=0, repeats=5)
        for precision in (1, 0.75, 0.5)
    }
    values = {precision: figure.value for precision, figure in found.items() if figure is not None}
    assert values == pytest.approx({1: 1 / 3, 0.75: 1, 0.5: 1})
    assert recall_at_precision(0.75, -risk, labels, tutors, seed=0) is None
