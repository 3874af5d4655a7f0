"""Choice of the reasons of each row: the column that words each group, and the order of the groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.base.array_types import Ints, Values
from models.explain.evidence import Evidence
from models.explain.groups import Groups

SMALLEST_EFFECT = 0.1
"""Least effect of a reason, in log-odds: a group that changes the odds by less than 10 % is omitted."""

LEAST_PART = 0.2
"""Least part of its group's effect that a correlate contributes, for a reason to quote it."""

NARROW = 0.4
"""Least difference of log factors by which a part of the sessions must exceed all of them to be quoted: 1.5 times."""

NO_COLUMN, NO_REASON = -1, -2
"""In place of a column: the tutor has no past; there is no further reason."""


@dataclass(frozen=True)
class Choice:
    """Possible reasons of each row, best first: effect, and column or NO_COLUMN or NO_REASON; (rows, groups) each."""

    effect: Values
    column: Ints


def choose(effects: Values, parts: Values, evidence: Evidence, groups: Groups, usable: NDArray[np.bool_]) -> Choice:
    """Order the groups of each row: those that raise the risk, then those that lower it.

    On either side direct evidence of the outcome precedes its correlates, and larger effects precede smaller ones.
    Takes effects (rows, groups), contributions (rows, columns) and a mask of the columns that may be quoted.
    """
    columns = _quoted(effects, parts, evidence, groups, usable)
    size, direct = np.abs(effects), np.append(groups.direct, False)[columns]
    order = -size - (size.max(initial=0) + 1) * (direct + 2 * (effects > 0))
    columns[size < SMALLEST_EFFECT] = NO_REASON
    order[columns == NO_REASON] = np.inf
    places = np.argsort(order, axis=1, kind="stable")
    return Choice(np.take_along_axis(effects, places, axis=1), np.take_along_axis(columns, places, axis=1))


def _quoted(effects: Values, parts: Values, evidence: Evidence, groups: Groups, usable: NDArray[np.bool_]) -> Ints:
    """Returns the column that words each group's effect: (rows, groups), NO_REASON where no number is on its side.

    Direct evidence is preferred: the counts farthest beyond chance, then the number that contributes most. A correlate
    must itself contribute to the effect.
    """
    of_group = effects[:, groups.of_column]
    raising, sign = of_group > 0, np.sign(of_group)
    towards = parts * sign
    counted = groups.direct & ~np.isnan(evidence.factor)
    measure = np.where(counted, evidence.factor * sign - NARROW * groups.narrow, towards)
    telling = np.where(counted, evidence.factor * sign > 0, groups.direct | (towards > LEAST_PART * np.abs(of_group)))
    on_side = usable & telling & np.where(raising, evidence.raises, evidence.lowers)
    rank = np.where(on_side, measure / (1 + np.abs(measure)) + 2 * groups.direct + 2 * counted, -np.inf)
    columns = np.full(effects.shape, NO_REASON)
    columns[:, -1] = NO_COLUMN
    for group, members in enumerate(groups.members):
        best = members[rank[:, members].argmax(axis=1)]
        columns[:, group] = np.where(on_side[:, members].any(axis=1), best, NO_REASON)
    return columns
