"""Transcripts to be scored: accepted at once, scored later, and queried by id."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.errors import UnknownSubject
from domain.events.types import Id, PathId, Text
from domain.policy import Permission
from quality.transcripts import INSTALLED, accepted_message
from serving.bodies import examples
from serving.guard.permissions import access
from serving.guard.request_state import Caller
from serving.resources import AppResources
from store.inbox.transcripts import QualityRequest, Status, quality_request, take_transcript

router = APIRouter(prefix="/api/quality/sessions", tags=["quality"])

_DONE = {
    "scored": "scored",
    "withheld": "withheld: the scorer quoted text that is not in the transcript",
    "failed": "failed: send the transcript again with another id",
}


class TranscriptIn(BaseModel):
    """A transcript, one turn per line: `tutor: …` or `student: …`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: PathId = Field(
        default_factory=lambda: f"quality-{uuid4().hex}",
        description="your own id, so that a retry after a lost response counts once; generated if omitted",
    )
    session_id: Id
    transcript: Annotated[Text, StringConstraints(min_length=1, max_length=900_000)]


class TranscriptStatus(BaseModel):
    """State of a submitted transcript; `result` is null until it is scored."""

    model_config = ConfigDict(frozen=True)

    id: str
    session_id: str
    status: Status
    message: str
    requested_at: datetime
    scorer: str | None
    result: Any
    finished_at: datetime | None

    @classmethod
    def of(cls, request: QualityRequest) -> Self:
        """The state of a stored request."""
        return cls(**vars(request), message=_DONE.get(request.status) or accepted_message(INSTALLED))


@router.post("", status_code=202, summary="Submit a transcript")
@access(Permission.QUALITY_SEND, body_example=examples.TRANSCRIPT, example=examples.TRANSCRIPT_STATUS)
def hand_in(body: TranscriptIn, caller: Caller, resources: AppResources) -> TranscriptStatus:
    """Store a session's transcript to be scored; query the result later by its `id`.

    The same id with the same body gets the same response and counts once; with a different body it is a 409.
    """
    stored = take_transcript(resources.engine, body.id, body.session_id, body.transcript, caller.id, resources.now())
    return TranscriptStatus.of(stored)


@router.get("/{request_id}", summary="Result of a transcript")
@access(Permission.QUALITY_SEND, example=examples.TRANSCRIPT_STATUS)
def result(request_id: Id, resources: AppResources) -> TranscriptStatus:
    """State of a submitted transcript, and its result once it is scored."""
    stored = quality_request(resources.engine, request_id)
    if stored is None:
        raise UnknownSubject(f"there is no transcript {request_id!r}")
    return TranscriptStatus.of(stored)
