"""Transcripts sent for scoring: the request, and the transcript as an event in the inbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from domain.events.events import VERSION
from store.db.engine import reading, writing
from store.inbox.accept import Arrival, accept, refuse_conflicts
from store.schema.changes import quality_requests

SOURCE = "quality"
"""Source of these transcripts in the inbox."""

Status = Literal["accepted", "scored", "withheld", "failed"]


@dataclass(frozen=True)
class QualityRequest:
    """A transcript sent for scoring, under an id of its own, and its result."""

    id: str
    session_id: str
    requested_at: datetime
    status: Status
    scorer: str | None
    result: Any
    finished_at: datetime | None


_COLUMNS = tuple(quality_requests.c[name] for name in QualityRequest.__dataclass_fields__)


def take_transcript(
    engine: Engine, request_id: str, session_id: str, transcript: str, requested_by: str, now: datetime
) -> QualityRequest:
    """Store a request and its transcript in one transaction; a repetition is stored once.

    Raises EventConflict if the id was used with another body, DatabaseUnavailable.
    """
    row = {"id": request_id, "session_id": session_id, "requested_at": now, "requested_by": requested_by}
    with writing(engine) as connection:
        connection.execute(insert(quality_requests).values(row).on_conflict_do_nothing())
        kept = _find(connection, request_id)
        if kept is None:
            raise RuntimeError(f"the request {request_id!r} was written but is not stored")
        # As of the first request, so that a repetition has the same fingerprint.
        arrival = _arrival(request_id, session_id, transcript, kept.requested_at)
        refuse_conflicts([arrival], accept(connection, [arrival], SOURCE, now))
    return kept


def quality_request(engine: Engine, request_id: str) -> QualityRequest | None:
    """The request and its result; None for an unknown id. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return _find(connection, request_id)


def _find(connection: Connection, request_id: str) -> QualityRequest | None:
    row = connection.execute(select(*_COLUMNS).where(quality_requests.c.id == request_id)).first()
    return QualityRequest(**row._mapping) if row else None


def _arrival(request_id: str, session_id: str, transcript: str, at: datetime) -> Arrival:
    data = {"session_id": session_id, "text": transcript}
    event = {"version": VERSION, "timestamp": at.isoformat(), "type": "transcript.ready", "data": data}
    return Arrival(request_id, "transcript.ready", {"id": request_id, **event})
