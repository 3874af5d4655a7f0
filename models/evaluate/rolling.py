"""Rolling origins: the same recipe trained at several moments of the past, to see how it fares as time goes on.

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
"""Share of the labels known at the last cut that the first origin learns from."""

WEEKS, FIRST_WEEKS = 8, 4
"""Weeks after an origin that are looked at, and those that its own figures are about."""

MIN_OUTCOMES = 20
"""Of the rarer class: a week with fewer has no figure. Fewer than a slice needs, as no decision rests on one week."""

_WEEK = 7 * MICROSECONDS_A_DAY


@dataclass(frozen=True)
class Scored:
    """Rows after an origin: 0/1 labels, probabilities, tutor codes and moments (UTC microseconds), (rows,) each."""

    labels: Values
    scores: Values
    tutors: Ints
    as_of: Ints

    def between(self, begin: int, end: int) -> "Scored":
        """The rows as of a moment up to, not including, another."""
        rows = (self.as_of >= begin) & (self.as_of < end)
        return Scored(self.labels[rows], self.scores[rows], self.tutors[rows], self.as_of[rows])


def origins_of(known_at: Ints, cut: int, number: int = ORIGINS) -> tuple[int, ...]:
    """Midnights (UTC microseconds) evenly from when half of the labels known at the cut were known, up to the cut.

    `known_at` (rows,) tells when each label became known.
    """
    known = known_at[known_at < cut]
    if not known.size:
        return ()
    moments = np.linspace(np.quantile(known, EARLIEST, method="lower"), cut, number, endpoint=False)
    return tuple(np.unique(moments.astype(np.int64) // MICROSECONDS_A_DAY * MICROSECONDS_A_DAY).tolist())


def rolling(
    train_at: Callable[[int], Scored], origins: Sequence[int], seed: int, repeats: int = REPEATS
) -> tuple[Origin, ...]:
    """Train at each origin and measure what came after. `train_at` gives the later rows of a cut, scored.

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
    found = _measured(first) and figures_with_intervals(first.labels, first.scores, first.tutors, seed, repeats)
    return Origin(cut, first.labels.size, found or {}, tuple(_auc(week, seed, repeats) for week in weeks))


def _measured(rows: Scored) -> bool:
    positives = rows.labels.sum()
    return bool(min(positives, rows.labels.size - positives) >= MIN_OUTCOMES)


def _auc(rows: Scored, seed: int, repeats: int) -> Figure | None:
    if not _measured(rows):
        return None
    return figure_of(sample(rows.labels, rows.scores, rows.tutors, seed, repeats), "roc_auc")


def decay(origins: Sequence[Origin]) -> tuple[float, ...]:
    """The mean ROC AUC of each week after an origin, over the origins that have one, (weeks,); NaN where none has."""
    weeks = max((len(origin.by_week) for origin in origins), default=0)
    told = [[origin.by_week[i] for origin in origins if i < len(origin.by_week)] for i in range(weeks)]
    values = [[figure.value for figure in week if figure is not None] for week in told]
    return tuple(float(np.mean(week)) if week else float("nan") for week in values)
