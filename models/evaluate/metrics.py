"""How good a model is on rows it never saw, each figure with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from features.base.array_types import Ints, Values
from models.evaluate.bootstrap import BINS, NAMES, REPEATS, Sampled, less, measure, rank, sample
from models.evaluate.proportions import clustered_interval

NOT_ENOUGH = "not enough data"


@dataclass(frozen=True)
class Figure:
    """A measured value and its 95 % interval by bootstrap over tutors; the interval is NaN where none was asked for."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Curves:
    """What the plots are drawn from: reliability points (bins,) and the precision-recall curve.

    `low` and `high` bound each bin's observed share at 95 %, rows of one tutor taken together; `count` is its rows.
    """

    predicted: Values
    observed: Values
    low: Values
    high: Values
    count: Ints
    recall: Values
    precision: Values


@dataclass(frozen=True)
class Tier:
    """What comes of acting from a risk on: shares of rows with intervals; all None where no threshold was found.

    `ceiling` is the recall that the true probabilities reach at the same precision, on simulated data.
    """

    name: str
    threshold: float | None
    flagged: Figure | None = None
    precision: Figure | None = None
    recall: Figure | None = None
    lift: Figure | None = None
    prevalence: Figure | None = None
    ceiling: Figure | None = None


@dataclass(frozen=True)
class Slice:
    """A part of the test rows, `group` of those that `by` divides; figures are None where there is not enough data."""

    by: str
    group: str
    n: int
    positives: int
    roc_auc: Figure | None = None
    ece: Figure | None = None

    @property
    def enough(self) -> bool:
        """Whether there are outcomes enough to say anything."""
        return self.roc_auc is not None


@dataclass(frozen=True)
class Baseline:
    """A plainer way to score the same rows, and what the model gains over it, paired by tutor.

    `gain` is in ROC AUC, `brier_gain` by how much the model's Brier score is lower: positive where the model is better.
    """

    figures: dict[str, Figure]
    gain: Figure
    brier_gain: Figure


@dataclass(frozen=True)
class Origin:
    """A model trained before `cut` (UTC microseconds) and tested on what came after.

    `figures` are of the first four weeks, `by_week` the ROC AUC of each week after the cut, None where there are too
    few outcomes. No figures: there was not enough data to train or test at this origin.
    """

    cut: int
    n: int
    figures: dict[str, Figure]
    by_week: tuple[Figure | None, ...]


@dataclass(frozen=True)
class Evaluation:
    """Figures by name, on `n_test` rows of which a share `base_rate` is positive.

    `ceiling` and `tutor_ceiling` hold the same figures for the true probabilities, on simulated data. `tutor_figures`
    are those of the tutors' 14-day risk, for the no-show model. `alarms` say what looks like a leak.
    """

    n_test: int
    base_rate: float
    figures: dict[str, Figure]
    curves: Curves
    ceiling: dict[str, Figure] | None = None
    tutor_figures: dict[str, Figure] = field(default_factory=dict)
    tutor_ceiling: dict[str, Figure] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()
    slices: tuple[Slice, ...] = ()
    baselines: dict[str, Baseline] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    alarms: tuple[str, ...] = ()


def figures(labels: Values, scores: Values) -> dict[str, Figure]:
    """Point values only: labels 0/1 and probabilities, (rows,) each. Empty where only one class is present."""
    ranked = rank(labels, scores, np.zeros(labels.size, np.int64))
    return as_figures(Sampled(measure(ranked, np.ones(1)), np.empty((0, len(NAMES)))))


def figures_with_intervals(
    labels: Values, scores: Values, tutors: Ints, seed: int, repeats: int = REPEATS
) -> dict[str, Figure]:
    """Figures with 95 % percentile intervals: labels, probabilities and tutor codes, (rows,) each."""
    return as_figures(sample(labels, scores, tutors, seed, repeats))


def as_figures(sampled: Sampled) -> dict[str, Figure]:
    """Figures by name. Empty where only one class is present."""
    if np.isnan(sampled.point[0]):
        return {}
    return {name: figure_of(sampled, name) for name in NAMES}


def figure_of(sampled: Sampled, name: str) -> Figure:
    """One figure of a sample with its interval."""
    place = NAMES.index(name)
    return Figure(float(sampled.point[place]), *sampled.interval(place))


def auc_gain(labels: Values, scores: Values, others: Values, tutors: Ints, seed: int, repeats: int = REPEATS) -> Figure:
    """How much better `scores` rank than `others` on the same rows, paired by tutor, in ROC AUC."""
    ours, theirs = (sample(labels, values, tutors, seed, repeats) for values in (scores, others))
    return figure_of(less(ours, theirs), "roc_auc")


def compare(
    labels: Values, scores: Values, others: Mapping[str, Values], tutors: Ints, seed: int, repeats: int = REPEATS
) -> dict[str, Baseline]:
    """What the scores gain over each of the other scores of the same rows, (rows,) each, paired by tutor."""
    ours = sample(labels, scores, tutors, seed, repeats)
    found = {name: sample(labels, values, tutors, seed, repeats) for name, values in others.items()}
    return {
        name: Baseline(
            as_figures(theirs), figure_of(less(ours, theirs), "roc_auc"), figure_of(less(theirs, ours), "brier")
        )
        for name, theirs in found.items()
    }


def curves(labels: Values, scores: Values, tutors: Ints | None = None) -> Curves:
    """Reliability in 10 bins of equal size, and the precision-recall curve at 200 points or fewer.

    Without tutor codes (rows,) each row stands for itself in the intervals.
    """
    order = np.argsort(scores, kind="stable")
    bins = np.arange(labels.size) * BINS // labels.size
    _, place = np.unique(bins, return_inverse=True)
    count = np.bincount(place)
    whose = (np.arange(labels.size) if tutors is None else tutors)[order]
    low, high = clustered_interval(labels[order], place, whose)
    recall, precision = _precision_recall(labels, scores)
    return Curves(
        predicted=np.bincount(place, scores[order]) / count,
        observed=np.bincount(place, labels[order]) / count,
        low=low,
        high=high,
        count=count,
        recall=recall,
        precision=precision,
    )


def _precision_recall(labels: Values, scores: Values) -> tuple[Values, Values]:
    ranked = rank(labels, scores, np.zeros(labels.size, np.int64))
    ends = np.flatnonzero(ranked.ends_run)
    picked = ends[np.unique(np.linspace(0, ends.size - 1, 200).astype(np.int64))]
    hits = np.cumsum(ranked.labels)
    return hits[picked] / max(hits[-1], 1), hits[picked] / (picked + 1)
