"""Evaluation of a model on held-out rows, each figure with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from features.base.array_types import Ints, Values
from models.evaluate.bootstrap import BINS, NAMES, REPEATS, Sampled, less, measure, rank, sample
from models.evaluate.proportions import clustered_interval

NOT_ENOUGH = "not enough data"


@dataclass(frozen=True)
class Figure:
    """A measured value and its 95 % interval by bootstrap over tutors; the interval is NaN where none was computed."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Curves:
    """Data of the plots: reliability points (bins,) and the precision-recall curve.

    `low` and `high` bound each bin's observed share at 95 %, clustered by tutor; `count` is its number of rows.
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
    """Results of flagging from a risk: shares of rows with intervals, all None where no threshold was found.

    `ceiling` is the recall of the true probabilities at the same precision, on simulated data.
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
    """A part of the test rows: `group` of the division `by`. Figures are None where there is not enough data."""

    by: str
    group: str
    n: int
    positives: int
    roc_auc: Figure | None = None
    ece: Figure | None = None

    @property
    def enough(self) -> bool:
        """True where there are enough outcomes to measure."""
        return self.roc_auc is not None


@dataclass(frozen=True)
class Baseline:
    """A baseline on the same rows and the model's gain over it, paired by tutor.

    `gain` is in ROC AUC; `brier_gain` is the decrease in Brier score. Both are positive where the model is better.
    """

    figures: dict[str, Figure]
    gain: Figure
    brier_gain: Figure


@dataclass(frozen=True)
class Origin:
    """A model trained before `cut` (UTC microseconds) and tested on later rows.

    `figures` cover the first four weeks; `by_week` is the ROC AUC of each week after the cut, None where there are too
    few outcomes. `figures` is empty where there was not enough data to train or test.
    """

    cut: int
    n: int
    figures: dict[str, Figure]
    by_week: tuple[Figure | None, ...]


@dataclass(frozen=True)
class Removal:
    """A column, the held-out ROC AUC lost without it, and the reason why it is known when asked.

    The reason is empty where a person must confirm it.
    """

    column: str
    loss: float
    known_when_asked: str = ""


@dataclass(frozen=True)
class Evaluation:
    """Figures by name, on `n_test` rows of which a share `base_rate` is positive.

    `ceiling` and `tutor_ceiling` are the figures of the true probabilities, on simulated data. `tutor_figures` are
    those of the tutors' 14-day risk, for the no-show model. `alarms` describe suspected leaks,
    `overridden` those that a person declared to be none, with the reason. `fallback` states what is left of the model
    and why, empty for a whole one. `removals` are the columns whose removal costs most, `unconfirmed` that of all
    columns of which no person has confirmed that they are known when asked.
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
    overridden: tuple[str, ...] = ()
    fallback: str = ""
    removals: tuple[Removal, ...] = ()
    unconfirmed: Removal | None = None


def figures(labels: Values, scores: Values) -> dict[str, Figure]:
    """Returns point values. Takes 0/1 labels and probabilities, (rows,) each. Empty where only one class is present."""
    ranked = rank(labels, scores, np.zeros(labels.size, np.int64))
    return as_figures(Sampled(measure(ranked, np.ones(1)), np.empty((0, len(NAMES)))))


def figures_with_intervals(
    labels: Values, scores: Values, tutors: Ints, seed: int, repeats: int = REPEATS
) -> dict[str, Figure]:
    """Returns figures with 95 % percentile intervals. Takes labels, probabilities and tutor codes, (rows,) each."""
    return as_figures(sample(labels, scores, tutors, seed, repeats))


def as_figures(sampled: Sampled) -> dict[str, Figure]:
    """Returns the figures by name; empty where only one class is present."""
    if np.isnan(sampled.point[0]):
        return {}
    return {name: figure_of(sampled, name) for name in NAMES}


def figure_of(sampled: Sampled, name: str) -> Figure:
    """Returns one figure of a sample with its interval."""
    place = NAMES.index(name)
    return Figure(float(sampled.point[place]), *sampled.interval(place))


def auc_gain(labels: Values, scores: Values, others: Values, tutors: Ints, seed: int, repeats: int = REPEATS) -> Figure:
    """Returns the gain in ROC AUC of `scores` over `others` on the same rows, paired by tutor."""
    ours, theirs = (sample(labels, values, tutors, seed, repeats) for values in (scores, others))
    return figure_of(less(ours, theirs), "roc_auc")


def compare(
    labels: Values, scores: Values, others: Mapping[str, Values], tutors: Ints, seed: int, repeats: int = REPEATS
) -> dict[str, Baseline]:
    """Returns the gains of the scores over each other scoring of the same rows, (rows,) each, paired by tutor."""
    ours = sample(labels, scores, tutors, seed, repeats)
    sampled = {name: sample(labels, values, tutors, seed, repeats) for name, values in others.items()}
    return {
        name: Baseline(
            as_figures(theirs), figure_of(less(ours, theirs), "roc_auc"), figure_of(less(theirs, ours), "brier")
        )
        for name, theirs in sampled.items()
    }


def curves(labels: Values, scores: Values, tutors: Ints | None = None) -> Curves:
    """Returns reliability in 10 bins of equal size, and the precision-recall curve at up to 200 points.

    Without tutor codes (rows,), the intervals treat rows as independent.
    """
    order = np.argsort(scores, kind="stable")
    bins = np.arange(labels.size) * BINS // labels.size
    _, place = np.unique(bins, return_inverse=True)
    count = np.bincount(place)
    clusters = (np.arange(labels.size) if tutors is None else tutors)[order]
    low, high = clustered_interval(labels[order], place, clusters)
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
