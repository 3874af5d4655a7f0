"""Events as they come: kept before anybody is told that they were taken, each once whatever is sent again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Connection, Engine, text

from domain.errors import EventConflict
from domain.events.events import Event, SessionState
from store.db.engine import writing
from store.facts.tombstones import wipe_parked

WEBHOOK, SYNC = "webhook", "rails"
"""Where an event came from: sent to us, or asked for."""

_ACCEPT = text("""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
            key text, type text, body jsonb, sha256 text, session_id text, tutor_id text, student_id text,
            starts_at timestamptz, place int
        )
    )
    INSERT INTO inbox (source, key, type, body, body_sha256, received_at, priority)
    SELECT
        :source, key, type, body, sha256, :now,
        -- A first session of a pair is worked on before others. Only the tutor's own sessions are looked at.
        CASE WHEN student_id IS NULL OR EXISTS (
            SELECT FROM sessions AS s
            WHERE s.tutor_id = given.tutor_id AND s.student_id = given.student_id
                AND s.starts_at < given.starts_at AND s.session_id <> given.session_id
        ) THEN 1 ELSE 0 END
    FROM given
    -- Two writers of the same events wait for one another in one order; of an id that comes twice, the first is kept.
    ORDER BY key, place
    ON CONFLICT (key) DO NOTHING
    RETURNING key
""")
_KNOWN = text("SELECT key, body_sha256 FROM inbox WHERE key = ANY (:keys)")


_PARK = text("""
    INSERT INTO inbox (source, key, type, body, body_sha256, received_at, parked_at, error)
    VALUES (:source, :key, :type, CAST(:body AS jsonb), :sha256, :now, :now, :reason)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
""")


class Outcome(StrEnum):
    """What became of an event: taken, taken before and the same, or of an id that was taken with another body."""

    NEW = "new"
    SAME = "same"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Arrival:
    """An event to be kept: its id, its type, and its JSON with the id in it, checked against `domain.events.events`.

    `starts_at` is the session's, where it is about one: what stands in the body may be written in ways that only the
    schema reads.
    """

    id: str
    type: str
    body: Mapping[str, Any]
    starts_at: datetime | None = None

    @classmethod
    def of(cls, event: Event, sent: Mapping[str, Any], event_id: str) -> Self:
        """An event that was read, and the JSON that it was read from."""
        starts_at = event.data.starts_at if isinstance(event.data, SessionState) else None
        return cls(event_id, event.type, {**sent, "id": event_id}, starts_at)

    @property
    def key(self) -> str:
        """What makes it one of its kind in the inbox."""
        return event_key(self.id)

    @property
    def sha256(self) -> str:
        """The fingerprint of all it says, the id aside: the order of fields and the spaces between say nothing."""
        said = {name: value for name, value in self.body.items() if name != "id"}
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def event_key(event_id: str) -> str:
    """The inbox's key of an event."""
    return f"event:{event_id}"


def accept(connection: Connection, arrivals: Sequence[Arrival], source: str, now: datetime) -> list[Outcome]:
    """Keep events in the caller's transaction; what became of each, in order. An id may come more than once."""
    if not arrivals:
        return []
    rows = [(arrival.key, arrival.sha256, arrival) for arrival in arrivals]
    given = json.dumps([_row(arrival, sha256, place) for place, (_, sha256, arrival) in enumerate(rows)])
    new = set(connection.execute(_ACCEPT, {"rows": given, "source": source, "now": now}).scalars())
    known: dict[str, str | None] = {}
    if len(new) < len(rows):
        # A statement of its own: it also sees what another transaction has just committed.
        found = connection.execute(_KNOWN, {"keys": [key for key, _, _ in rows]})
        known = {row.key: row.body_sha256 for row in found}
    outcomes = []
    for key, sha256, _ in rows:
        outcomes.append(_outcome(key in new, known.get(key), sha256))
        new.discard(key)  # the first of an id is the new one
    return outcomes


def accept_each(engine: Engine, arrivals: Sequence[Arrival], source: str, now: datetime) -> list[Outcome]:
    """Keep events in one transaction, whatever becomes of the others. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        return accept(connection, arrivals, source, now)


def accept_all(engine: Engine, arrivals: Sequence[Arrival], source: str, now: datetime) -> list[Outcome]:
    """Keep all events or, where one is in conflict, none.

    Raises EventConflict naming those, DatabaseUnavailable.
    """
    with writing(engine) as connection:
        outcomes = accept(connection, arrivals, source, now)
        refuse_conflicts(arrivals, outcomes)
        return outcomes


def keep_unreadable(connection: Connection, event: Mapping[str, Any], reason: str, source: str, now: datetime) -> None:
    """Keep what was asked for and cannot be read, parked with the reason; once, however often it comes."""
    # PostgreSQL's JSON holds no NaN and no infinity, which Python's reads and writes: they are kept as words.
    event = json.loads(json.dumps(event), parse_constant=str)
    body = json.dumps(event, sort_keys=True)
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    row = {
        "source": source,
        "key": f"unreadable:{sha256}",  # not its id: that belongs to the event as it will be when it is mended
        "type": str(event.get("type"))[:100].replace("\0", "\ufffd"),
        "body": body.replace("\\u0000", "\\ufffd"),  # the one character that PostgreSQL's JSON cannot hold
        "sha256": sha256,
        "now": now,
        "reason": reason,
    }
    wipe_parked(connection, connection.execute(_PARK, row).scalars().all())


def refuse_conflicts(arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> None:
    """Return if no event is in conflict. Raises EventConflict naming the first ten that are."""
    named = [a.id for a, outcome in zip(arrivals, outcomes, strict=True) if outcome is Outcome.CONFLICT]
    if named:
        more = f" and {len(named) - 10} more" if len(named) > 10 else ""
        raise EventConflict(
            f"taken before with another body: {', '.join(named[:10])}{more}. "
            "An event's id belongs to its body: send what changed as a new event"
        )


def _outcome(is_new: bool, known: str | None, sha256: str) -> Outcome:
    if is_new:
        return Outcome.NEW
    # An event whose content was erased has no fingerprint to compare with.
    return Outcome.SAME if known in (None, sha256) else Outcome.CONFLICT


def _row(arrival: Arrival, sha256: str, place: int) -> dict[str, Any]:
    about = arrival.body["data"] if arrival.type.startswith("session.") else {}
    pair = {name: about.get(name) for name in ("session_id", "tutor_id", "student_id")}
    starts_at = arrival.starts_at and arrival.starts_at.isoformat()
    own = {"key": arrival.key, "type": arrival.type, "body": dict(arrival.body), "sha256": sha256}
    return own | pair | {"starts_at": starts_at, "place": place}
