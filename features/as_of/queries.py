"""Queries of a history: a tutor, a session or none, and the moment (as of)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from domain.horizons import HELD_OR_MISSED, NO_SHOW_LEAD
from features.base.array_types import Flags, Ints
from features.base.kernel import group
from features.history.history import MISSING, SessionColumns


@dataclass(frozen=True)
class Queries:
    """Queries as aligned arrays (queries,): tutor codes, moments in UTC microseconds, and sessions or None."""

    tutor: Ints
    as_of: Ints
    session: SessionColumns | None = None

    def __len__(self) -> int:
        return self.tutor.size

    def at(self, rows: Ints) -> "Queries":
        """Select queries, in the order of `rows`."""
        return Queries(self.tutor[rows], self.as_of[rows], None if self.session is None else take(self.session, rows))


def of_sessions(sessions: SessionColumns, rows: Ints | None = None, as_of: int | None = None) -> Queries:
    """One query for each session, as of its early-warning moment or, for all, as of `as_of` (UTC microseconds).

    Where the dataset declares as of when sessions are asked, that is also the latest moment.
    """
    chosen = sessions if rows is None else take(sessions, rows)
    moments = warning_moment(chosen)
    if as_of is not None:
        moments = np.full(len(chosen), as_of) if sessions.asked is None else np.minimum(moments, as_of)
    return Queries(chosen.tutor, moments, chosen)


def of_tutors(tutor: Ints, as_of: Ints | int) -> Queries:
    """One query for each tutor, without a session."""
    return Queries(tutor, np.broadcast_to(np.asarray(as_of, dtype=np.int64), tutor.shape).copy())


def microseconds_of(moment: datetime) -> int:
    """An aware datetime as UTC microseconds."""
    return round(moment.timestamp() * 1e6)


def warning_moment(sessions: SessionColumns) -> Ints:
    """Early-warning moments: the declared lead, or 24 h, before the start, or when the start became known if later.

    (sessions,) UTC microseconds.
    """
    lead = (NO_SHOW_LEAD if sessions.asked is None else sessions.asked) // timedelta(microseconds=1)
    return np.maximum(sessions.starts_at - lead, np.maximum(sessions.booked_at, sessions.scheduled_at))


def decided_when_asked(sessions: SessionColumns) -> Flags:
    """True for sessions held or missed whose outcome was known by their early-warning moment: (sessions,)."""
    known = (sessions.known_at != MISSING) & (sessions.known_at <= warning_moment(sessions))
    return np.asarray(known & sessions.is_in(HELD_OR_MISSED))


def by_tutor(queries: Queries, n_tutors: int) -> tuple[Ints, Queries]:
    """Sort queries by tutor and moment, so that adjacent queries read adjacent events.

    Returns the original position of each sorted query (queries,), and the sorted queries: `queries` itself if it is
    sorted already. The sort is stable.
    """
    if _is_by_tutor(queries):
        return np.arange(len(queries)), queries
    by_moment = np.argsort(queries.as_of, kind="stable")
    positions = by_moment[group(queries.tutor[by_moment] + 1, n_tutors + 1)[0]]
    session = None if queries.session is None else take(queries.session, positions)
    return positions, Queries(queries.tutor[positions], queries.as_of[positions], session)


def _is_by_tutor(queries: Queries) -> bool:
    tutors, moments = np.diff(queries.tutor), np.diff(queries.as_of)
    return bool(((tutors > 0) | ((tutors == 0) & (moments >= 0))).all())


def take(sessions: SessionColumns, rows: Ints) -> SessionColumns:
    """Select sessions, in the order of `rows`."""
    arrays = {name: getattr(sessions, name)[rows] for name in _ARRAYS}
    indices = pa.array(rows)
    attributes: Mapping[str, pa.Array] = {name: column.take(indices) for name, column in sessions.attributes.items()}
    students = None if sessions.students is None else sessions.students.take(indices)
    return SessionColumns(**arrays, attributes=attributes, students=students, asked=sessions.asked)


_ARRAYS = tuple(f.name for f in fields(SessionColumns) if f.name not in ("attributes", "students", "asked"))
