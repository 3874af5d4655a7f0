"""Rolling origins: the same recipe trained at several earlier moments, to measure its decay over time.

Source: Tashman 2000, International Journal of Forecasting 16:437.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from domain.errors import NotEnoughData
from features.base.array_types import Ints, Values
from features.base.stream import MICROSECONDS_A_DAY
from models.evaluate.bootstrap import REPEATS, sample
from models.evaluate.metrics import Figure, Origin, figure_of, figures_with_intervals

ORIGINS = 4
EARLIEST = 0.5
"""Share of the labels known at the last cut that are known at the first origin."""

WEEKS, FIRST_WEEKS = 8, 4
"""Weeks measured after an origin, and the number of first weeks that its figures cover."""

MIN_OUTCOMES = 20
"""Rows of the rarer class below which a week has no figure. Lower than for a slice: no decision rests on one week."""

_WEEK = 7 * MICROSECONDS_A_DAY


@dataclass(frozen=True)
class Scored:
    """Rows after an origin: 0/1 labels, probabilities, tutor codes and moments (UTC microseconds), (rows,) each."""

    labels: Values
    scores: Values
    tutors: Ints
    as_of: Ints

    def between(self, begin: int, end: int) -> "Scored":
        """Returns the rows as of `begin` or later and before `end`."""
        rows = (self.as_of >= begin) & (self.as_of < end)
        return Scored(self.labels[rows], self.scores[rows], self.tutors[rows], self.as_of[rows])


def origins_of(known_at: Ints, cut: int, number: int = ORIGINS) -> tuple[int, ...]:
    """Returns midnights (UTC microseconds) evenly spaced up to the cut.

    At the first, half of the labels known at the cut are known; `known_at` (rows,) is when each label became known.
    """
    known = known_at[known_at < cut]
    if not known.size:
        return ()
    moments = np.linspace(np.quantile(known, EARLIEST, method="lower"), cut, number, endpoint=False)
    return tuple(np.unique(moments.astype(np.int64) // MICROSECONDS_A_DAY * MICROSECONDS_A_DAY).tolist())


def rolling(
    train_at: Callable[[int], Scored], origins: Sequence[int], seed: int, repeats: int = REPEATS
) -> tuple[Origin, ...]:
    """Train at each origin and measures later rows. `train_at` returns the scored rows after a cut.

    An origin at which it raises NotEnoughData has no figures.
    """
    return tuple(_origin(train_at, cut, seed, repeats) for cut in origins)


def _origin(train_at: Callable[[int], Scored], cut: int, seed: int, repeats: int) -> Origin:
    try:
        scored = train_at(cut)
    except NotEnoughData:
        return Origin(cut, 0, {}, ())
    first = scored.between(cut, cut + FIRST_WEEKS * _WEEK)
    weeks = [scored.between(cut + i * _WEEK, cut + (i + 1) * _WEEK) for i in range(WEEKS)]
    figures = _measurable(first) and figures_with_intervals(first.labels, first.scores, first.tutors, seed, repeats)
    return Origin(cut, first.labels.size, figures or {}, tuple(_auc(week, seed, repeats) for week in weeks))


def _measurable(rows: Scored) -> bool:
    positives = rows.labels.sum()
    return bool(min(positives, rows.labels.size - positives) >= MIN_OUTCOMES)


def _auc(rows: Scored, seed: int, repeats: int) -> Figure | None:
    if not _measurable(rows):
        return None
    return figure_of(sample(rows.labels, rows.scores, rows.tutors, seed, repeats), "roc_auc")


def decay(origins: Sequence[Origin]) -> tuple[float, ...]:
    """Returns the mean ROC AUC of each week after the origin, (weeks,); NaN where no origin has one."""
    weeks = max((len(origin.by_week) for origin in origins), default=0)
    by_week = [[origin.by_week[i] for origin in origins if i < len(origin.by_week)] for i in range(weeks)]
    values = [[figure.value for figure in week if figure is not None] for week in by_week]
    return tuple(float(np.mean(week)) if week else float("nan") for week in values)
