"""Which single change lowers a risk most: the same model asked again about a row in which one thing is otherwise.

What the model expects of rows alike, learnt from what happened and not from trials: no promise that the change works.
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
"""A change that lowers a risk by less than a point is not worth a word."""

KNOWN_SLOT = 3
"""Finished sessions that make a weekday and part of day one of the tutor's own."""

Risk = Callable[[Matrix], Values]
Becomes = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Change:
    """One thing that could be done, in words, and what each column it touches becomes: (rows,) to (rows,)."""

    words: str
    columns: Mapping[str, Becomes]


def to(value: float) -> Becomes:
    """This value, whatever it was."""
    return lambda column: np.full_like(column, value)


def known_to(value: float) -> Becomes:
    """This value, where there was one."""
    return lambda column: np.where(np.isnan(column), column, np.float32(value))


def plus(value: float) -> Becomes:
    """So much more."""
    return lambda column: column + np.float32(value)


def less(value: float) -> Becomes:
    """So much less, where there is so much."""
    return lambda column: np.where(column >= value, column - np.float32(value), column)


_WRITING: Mapping[str, Becomes] = {
    "silence_hours": to(0),
    "silence_ratio": known_to(0),
    **{f"messages_{days}d": plus(1) for days in (7, 14, 30, 60)},
}
WRITES = Change("the tutor writes a message today", _WRITING)
ANSWERS = Change("the tutor answers every waiting student today", {**_WRITING, "unanswered_messages": to(0)})
FEWER = Change("five of the sessions booked in the week before go to others", {"booked_7d": less(5)})
BREAKS = Change("there is a break before and after the session", {"booked_back_to_back": to(0)})
CARE = Change("somebody from us writes to the tutor today", {"attention_30d": plus(1)})

CHANGES: Mapping[Task, tuple[Change, ...]] = MappingProxyType(
    {Task.NO_SHOW: (WRITES, ANSWERS, FEWER, BREAKS), Task.CHURN: (WRITES, ANSWERS, CARE)}
)
"""What can still be changed; what has happened cannot. Columns that hang together change together."""

Variant = tuple[Sequence[str], Matrix]
"""The words of a change for each row of the answer, and the matrix in which it is made."""


def variants(sidecar: Sidecar, matrix: Matrix, n_answers: int) -> Iterable[Variant]:
    """Each change the model can see, made in a matrix (rows, columns), with its words (answers,)."""
    for change in CHANGES[sidecar.task]:
        read = [name for name in change.columns if name in sidecar.features]
        if read:
            changed = matrix.copy(order="F")
            for name in read:
                place = sidecar.features.index(name)
                changed[:, place] = change.columns[name](matrix[:, place])
            yield [change.words] * n_answers, changed


def moved(sidecar: Sidecar, rows: QueriedRows) -> Variant:
    """Each session moved to the weekday and part of day at which its tutor misses least; its other columns stay."""
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
    """The slot at which each query's tutor misses least, among those known well enough: (queries,), its own if none."""
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
    """The change that lowers each answer of `risk` (matrix to (answers,)) most; None where none does by a point."""
    before = risk(matrix)
    best, words = before.copy(), [""] * before.size
    for said, changed in changes:
        after = risk(changed)
        for place in np.flatnonzero(after < best).tolist():
            words[place] = said[place]
        best = np.minimum(best, after)
    return [
        WhatIf(change=change, value=float(after), difference=float(after - now))
        if now - after >= SMALLEST_DIFFERENCE
        else None
        for change, after, now in zip(words, best, before, strict=True)
    ]
