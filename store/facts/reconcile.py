"""What the Rails app has of a span of time, beside what is here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from domain.vocabulary import SessionStatus
from store.db.engine import reading

# A session counts as here from the moment its event is kept, worked on or not; a parked one is in a person's hands.
_MISSING = text("""
    SELECT asked.id FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS asked (id, place)
    WHERE NOT EXISTS (SELECT FROM sessions WHERE session_id = asked.id)
    ORDER BY asked.place
""")
# Two questions, since each has an index of its own.
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
class Compared:
    """Ids that are missing here, ids that wait in the inbox, those parked there, and those nobody told us of there."""

    missing: tuple[str, ...]
    waiting: tuple[str, ...]
    parked: tuple[str, ...]
    unexpected: tuple[str, ...]


def compare_ids(engine: Engine, begin: datetime, end: datetime, ids: Collection[str]) -> Compared:
    """Ids of all sessions of the Rails app that start in [begin, end), beside those here.

    Raises DatabaseUnavailable.
    """
    with reading(engine) as connection:
        absent = list(connection.execute(_MISSING, {"ids": list(ids)}).scalars())
        waiting = frozenset(absent) & frozenset(connection.execute(_WAITING).scalars()) if absent else frozenset()
        # Also of a session that is here: what it became may be in the event that is parked.
        parked = frozenset(connection.execute(_PARKED).scalars()) - waiting
        here = connection.execute(_WITHIN, {"begin": begin, "end": end}).scalars()
        theirs = frozenset(ids)
        return Compared(
            missing=tuple(one for one in absent if one not in waiting and one not in parked),
            waiting=tuple(one for one in absent if one in waiting),
            parked=tuple(one for one in ids if one in parked),
            unexpected=tuple(one for one in here if one not in theirs),
        )


@dataclass(frozen=True)
class Counted:
    """How many sessions stand how, every status being there, and how many events of sessions may still change that."""

    sessions: Mapping[SessionStatus, int]
    backlog: int


def counts_of(engine: Engine, begin: datetime, end: datetime) -> Counted:
    """Counts of the sessions that start in [begin, end). Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        found = {row.status: row.number for row in connection.execute(_COUNTS, {"begin": begin, "end": end})}
        backlog = connection.execute(_BACKLOG).scalar_one()
    return Counted({status: found.get(status.value, 0) for status in SessionStatus}, backlog)
