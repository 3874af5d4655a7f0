"""What-ifs: the single change that lowers a risk most, by scoring the row again with the change applied.

They describe similar rows in observational data, not experiments, and do not promise that the change works.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from domain.scores import WhatIf
from domain.vocabulary import Task
from features.as_of.past import Past
from features.as_of.queries import Queries
from features.base.array_types import Matrix, Values
from features.base.local_time import PARTS_OF_DAY, SLOTS, slot_name
from features.base.stream import StreamView
from features.catalogue import compute
from features.history.history import History, slot_owner
from models.artifact.matrix import QueriedRows, features_read
from models.artifact.model import Sidecar

SMALLEST_DIFFERENCE = 0.01
"""Least decrease of a risk for a what-if: one percentage point."""

KNOWN_SLOT = 3
"""Least finished sessions of a tutor in a weekday and part of day for a session to be moved there."""

Risk = Callable[[Matrix], Values]
Becomes = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class WhatIfChange:
    """A change in words, and the new values of each column it affects: (rows,) to (rows,)."""

    words: str
    columns: Mapping[str, Becomes]


def to(value: float) -> Becomes:
    """Set to a value."""
    return lambda column: np.full_like(column, value)


def known_to(value: float) -> Becomes:
    """Set to a value where one is present."""
    return lambda column: np.where(np.isnan(column), column, np.float32(value))


def plus(value: float) -> Becomes:
    """Increase by a value."""
    return lambda column: column + np.float32(value)


def less(value: float) -> Becomes:
    """Decrease by a value where the column is at least that large."""
    return lambda column: np.where(column >= value, column - np.float32(value), column)


_WRITING: Mapping[str, Becomes] = {
    "silence_hours": to(0),
    "silence_ratio": known_to(0),
    **{f"messages_{days}d": plus(1) for days in (7, 14, 30, 60)},
}
WRITES = WhatIfChange("the tutor writes a message today", _WRITING)
ANSWERS = WhatIfChange("the tutor answers every waiting student today", {**_WRITING, "unanswered_messages": to(0)})
FEWER = WhatIfChange("five of the sessions booked in the week before go to others", {"booked_7d": less(5)})
BREAKS = WhatIfChange("there is a break before and after the session", {"booked_back_to_back": to(0)})
CARE = WhatIfChange("somebody from us writes to the tutor today", {"attention_30d": plus(1)})

CHANGES: Mapping[Task, tuple[WhatIfChange, ...]] = MappingProxyType(
    {Task.NO_SHOW: (WRITES, ANSWERS, FEWER, BREAKS), Task.CHURN: (WRITES, ANSWERS, CARE)}
)
"""Changes that are still possible, by task. Dependent columns change together."""

Variant = tuple[Sequence[str], Matrix]
"""The words of a change for each score, and the matrix with the change applied."""


def variants(sidecar: Sidecar, matrix: Matrix, n_scores: int) -> Iterable[Variant]:
    """Yield each change of columns that the model reads: its words (scores,) and the changed matrix (rows, columns)."""
    for change in CHANGES[sidecar.task]:
        read = [name for name in change.columns if name in sidecar.features]
        if read:
            changed = matrix.copy(order="F")
            for name in read:
                place = sidecar.features.index(name)
                changed[:, place] = change.columns[name](matrix[:, place])
            yield [change.words] * n_scores, changed


def moved(sidecar: Sidecar, rows: QueriedRows) -> Variant:
    """Move each session to the weekday and part of day with the tutor's lowest no-show rate; other columns stay."""
    queries = rows.queries
    if queries.session is None:
        raise ValueError("only a session can be moved")
    slots = _best_slots(sidecar, rows.history, queries)
    parts = len(PARTS_OF_DAY)
    middle = slots % parts * (24 // parts) + 12 // parts
    session = replace(
        queries.session,
        slot=slots.astype(np.int8),
        weekday=(slots // parts).astype(np.int8),
        hour=np.where(slots == queries.session.slot, queries.session.hour, middle).astype(np.int8),
    )
    changed = rows.matrix.copy(order="F")
    timed = [feature for feature in features_read(sidecar) if feature.local_time]
    past = Past(rows.history, Queries(queries.tutor, queries.as_of, session), sidecar.priors)
    places = [sidecar.features.index(feature.name) for feature in timed]
    changed[:, places] = compute(timed, past)
    return [f"the session moves to a {slot_name(int(s))}, the tutor's most reliable time" for s in slots], changed


def _best_slots(sidecar: Sidecar, history: History, queries: Queries) -> NDArray[np.int64]:
    """Returns the slot with the tutor's lowest no-show rate among slots with KNOWN_SLOT sessions: (queries,).

    A query without a better slot keeps its own.
    """
    if queries.session is None:
        raise ValueError("only a session has a slot")
    own = queries.session.slot.astype(np.int64)
    owners = slot_owner(np.repeat(queries.tutor, SLOTS), np.tile(np.arange(SLOTS), len(queries)).astype(np.int8))
    view = StreamView(history.slot_outcomes, owners, np.repeat(queries.as_of, SLOTS))
    sessions = view.total("labelled").reshape(-1, SLOTS)
    rate = sidecar.priors.slot_no_show.shrink(view.total("missed").reshape(-1, SLOTS), sessions)
    rate[sessions < KNOWN_SLOT] = np.inf
    best = rate.argmin(axis=1)
    better = rate[np.arange(own.size), best] < rate[np.arange(own.size), own]
    return np.where(better, best, own)


def what_ifs(risk: Risk, matrix: Matrix, changes: Iterable[Variant]) -> list[WhatIf | None]:
    """Returns the change that lowers each score most; None where none lowers it by SMALLEST_DIFFERENCE.

    `risk` maps a matrix to scores (scores,).
    """
    before = risk(matrix)
    best, words = before.copy(), [""] * before.size
    for change_words, changed in changes:
        after = risk(changed)
        for place in np.flatnonzero(after < best).tolist():
            words[place] = change_words[place]
        best = np.minimum(best, after)
    return [
        WhatIf(change=change, value=float(after), difference=float(after - now))
        if now - after >= SMALLEST_DIFFERENCE
        else None
        for change, after, now in zip(words, best, before, strict=True)
    ]
