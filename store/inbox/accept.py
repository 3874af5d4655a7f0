"""Acceptance of events: stored before they are acknowledged, each id once."""

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
"""Source of an event: sent to this service, or fetched from the Rails app."""

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
        -- The first session of a pair is processed before others. Only the tutor's own sessions are read.
        CASE WHEN student_id IS NULL OR EXISTS (
            SELECT FROM sessions AS s
            WHERE s.tutor_id = given.tutor_id AND s.student_id = given.student_id
                AND s.starts_at < given.starts_at AND s.session_id <> given.session_id
        ) THEN 1 ELSE 0 END
    FROM given
    -- Two writers of the same events lock in the same order; of a repeated id the first is stored.
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


class Acceptance(StrEnum):
    """Result of accepting an event: stored, stored before with the same body, or stored before with another body."""

    NEW = "new"
    SAME = "same"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Arrival:
    """An event to accept: its id, its type and its JSON including the id, valid by `domain.events.events`.

    `starts_at` is the start of the session, if any, since the body may write it in a format that only the schema
    parses.
    """

    id: str
    type: str
    body: Mapping[str, Any]
    starts_at: datetime | None = None

    @classmethod
    def of(cls, event: Event, sent: Mapping[str, Any], event_id: str) -> Self:
        """Arrival of a parsed event and the JSON it was parsed from."""
        starts_at = event.data.starts_at if isinstance(event.data, SessionState) else None
        return cls(event_id, event.type, {**sent, "id": event_id}, starts_at)

    @property
    def key(self) -> str:
        """Unique key of the event in the inbox."""
        return event_key(self.id)

    @property
    def sha256(self) -> str:
        """Fingerprint of the body without the id, independent of the order of fields and of white space."""
        content = {name: value for name, value in self.body.items() if name != "id"}
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def event_key(event_id: str) -> str:
    """Key of an event in the inbox."""
    return f"event:{event_id}"


def accept(connection: Connection, arrivals: Sequence[Arrival], source: str, now: datetime) -> list[Acceptance]:
    """Store events in the caller's transaction. Returns the result of each, in order; an id may be repeated."""
    if not arrivals:
        return []
    rows = [(arrival.key, arrival.sha256, arrival) for arrival in arrivals]
    given = json.dumps([_row(arrival, sha256, place) for place, (_, sha256, arrival) in enumerate(rows)])
    new = set(connection.execute(_ACCEPT, {"rows": given, "source": source, "now": now}).scalars())
    known: dict[str, str | None] = {}
    if len(new) < len(rows):
        # A separate statement also reads rows that another transaction has just committed.
        found = connection.execute(_KNOWN, {"keys": [key for key, _, _ in rows]})
        known = {row.key: row.body_sha256 for row in found}
    results = []
    for key, sha256, _ in rows:
        results.append(_acceptance(key in new, known.get(key), sha256))
        new.discard(key)  # only the first of an id is new
    return results


def accept_each(engine: Engine, arrivals: Sequence[Arrival], source: str, now: datetime) -> list[Acceptance]:
    """Store events in one transaction, conflicts aside. Returns the result of each. Raises DatabaseUnavailable."""
    with writing(engine) as connection:
        return accept(connection, arrivals, source, now)


def accept_all(engine: Engine, arrivals: Sequence[Arrival], source: str, now: datetime) -> list[Acceptance]:
    """Store all events, or none if one is in conflict.

    Raises EventConflict naming the conflicts, DatabaseUnavailable.
    """
    with writing(engine) as connection:
        results = accept(connection, arrivals, source, now)
        refuse_conflicts(arrivals, results)
        return results


def keep_unreadable(connection: Connection, event: Mapping[str, Any], reason: str, source: str, now: datetime) -> None:
    """Store a fetched event that cannot be parsed as parked, with the reason; once, however often it is fetched."""
    # PostgreSQL's JSON has no NaN and no infinity, which Python reads and writes: they are stored as strings.
    event = json.loads(json.dumps(event), parse_constant=str)
    body = json.dumps(event, sort_keys=True)
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    row = {
        "source": source,
        "key": f"unreadable:{sha256}",  # not its id, which belongs to the corrected event
        "type": str(event.get("type"))[:100].replace("\0", "\ufffd"),
        "body": body.replace("\\u0000", "\\ufffd"),  # the one character that PostgreSQL's JSON cannot contain
        "sha256": sha256,
        "now": now,
        "reason": reason,
    }
    wipe_parked(connection, connection.execute(_PARK, row).scalars().all())


def refuse_conflicts(arrivals: Sequence[Arrival], results: Sequence[Acceptance]) -> None:
    """Return if no event is in conflict. Raises EventConflict naming the first ten conflicts."""
    named = [a.id for a, result in zip(arrivals, results, strict=True) if result is Acceptance.CONFLICT]
    if named:
        more = f" and {len(named) - 10} more" if len(named) > 10 else ""
        raise EventConflict(
            f"taken before with another body: {', '.join(named[:10])}{more}. "
            "An event's id belongs to its body: send what changed as a new event"
        )


def _acceptance(is_new: bool, known: str | None, sha256: str) -> Acceptance:
    if is_new:
        return Acceptance.NEW
    # An event whose content was erased has no fingerprint.
    return Acceptance.SAME if known in (None, sha256) else Acceptance.CONFLICT


def _row(arrival: Arrival, sha256: str, place: int) -> dict[str, Any]:
    about = arrival.body["data"] if arrival.type.startswith("session.") else {}
    pair = {name: about.get(name) for name in ("session_id", "tutor_id", "student_id")}
    starts_at = arrival.starts_at and arrival.starts_at.isoformat()
    own = {"key": arrival.key, "type": arrival.type, "body": dict(arrival.body), "sha256": sha256}
    return own | pair | {"starts_at": starts_at, "place": place}
