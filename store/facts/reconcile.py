"""Comparison of the sessions in the Rails app with the stored ones, over a span of time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from domain.vocabulary import SessionStatus
from store.db.engine import reading

# A session whose event is in the inbox is not missing: it is waiting, or parked for a person.
_MISSING = text("""
    SELECT requested.id FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS requested (id, place)
    WHERE NOT EXISTS (SELECT FROM sessions WHERE session_id = requested.id)
    ORDER BY requested.place
""")
# Two queries, since each has an index of its own.
_WAITING = text("""
    SELECT body -> 'data' ->> 'session_id' FROM inbox
    WHERE processed_at IS NULL AND parked_at IS NULL AND type LIKE 'session.%'
""")
_PARKED = text("""
    SELECT body -> 'data' ->> 'session_id' FROM inbox WHERE parked_at IS NOT NULL AND type LIKE 'session.%'
""")
_WITHIN = text("""
    SELECT session_id FROM sessions WHERE starts_at >= :begin AND starts_at < :end ORDER BY starts_at, session_id
""")
_COUNTS = text("""
    SELECT status, count(*) AS number FROM sessions WHERE starts_at >= :begin AND starts_at < :end GROUP BY status
""")

_BACKLOG = text("""
    SELECT count(*) FROM inbox WHERE processed_at IS NULL AND parked_at IS NULL AND type LIKE 'session.%'
""")


@dataclass(frozen=True)
class SessionComparison:
    """Session ids by state.

    `missing`: not stored. `waiting` and `parked`: in the inbox. `unexpected`: stored, but not in the Rails app.
    """

    missing: tuple[str, ...]
    waiting: tuple[str, ...]
    parked: tuple[str, ...]
    unexpected: tuple[str, ...]


def compare_ids(engine: Engine, begin: datetime, end: datetime, ids: Collection[str]) -> SessionComparison:
    """Compare `ids`, all sessions of the Rails app that start in [begin, end), with the stored ones.

    Raises DatabaseUnavailable.
    """
    with reading(engine) as connection:
        absent = list(connection.execute(_MISSING, {"ids": list(ids)}).scalars())
        waiting = frozenset(absent) & frozenset(connection.execute(_WAITING).scalars()) if absent else frozenset()
        # Also of stored sessions: the parked event may contain a newer state.
        parked = frozenset(connection.execute(_PARKED).scalars()) - waiting
        here = connection.execute(_WITHIN, {"begin": begin, "end": end}).scalars()
        theirs = frozenset(ids)
        return SessionComparison(
            missing=tuple(one for one in absent if one not in waiting and one not in parked),
            waiting=tuple(one for one in absent if one in waiting),
            parked=tuple(one for one in ids if one in parked),
            unexpected=tuple(one for one in here if one not in theirs),
        )


@dataclass(frozen=True)
class SessionCounts:
    """Number of sessions by status, every status included, and number of waiting events that may change it."""

    sessions: Mapping[SessionStatus, int]
    backlog: int


def counts_of(engine: Engine, begin: datetime, end: datetime) -> SessionCounts:
    """Counts of the sessions that start in [begin, end). Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        counts = {row.status: row.number for row in connection.execute(_COUNTS, {"begin": begin, "end": end})}
        backlog = connection.execute(_BACKLOG).scalar_one()
    return SessionCounts({status: counts.get(status.value, 0) for status in SessionStatus}, backlog)
