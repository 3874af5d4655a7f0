"""Transcripts to be scored: taken now, scored later, asked for by id."""

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
    "withheld": "withheld: what the scorer quoted does not stand in the transcript",
    "failed": "failed: hand the transcript in again under another id",
}


class TranscriptIn(BaseModel):
    """A transcript: one turn a line, `tutor: …` or `student: …`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: PathId = Field(
        default_factory=lambda: f"quality-{uuid4().hex}",
        description="your own id, so that sending again after a lost answer counts once; one is made where left out",
    )
    session_id: Id
    transcript: Annotated[Text, StringConstraints(min_length=1, max_length=900_000)]


class QualityAnswer(BaseModel):
    """A transcript that was handed in, and what came of it so far; `result` is null until it is scored."""

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
        """What is said of a request."""
        return cls(**vars(request), message=_DONE.get(request.status) or accepted_message(INSTALLED))


@router.post("", status_code=202, summary="Hand in a transcript")
@access(Permission.QUALITY_SEND, body_example=examples.TRANSCRIPT, example=examples.TRANSCRIPT_STATUS)
def hand_in(body: TranscriptIn, caller: Caller, resources: AppResources) -> QualityAnswer:
    """Keep a session's transcript to be scored; the answer is given later, by the `id`.

    The same id with the same body is answered the same and counts once; with another body it is a 409.
    """
    kept = take_transcript(resources.engine, body.id, body.session_id, body.transcript, caller.id, resources.now())
    return QualityAnswer.of(kept)


@router.get("/{request_id}", summary="What came of a transcript")
@access(Permission.QUALITY_SEND, example=examples.TRANSCRIPT_STATUS)
def result(request_id: Id, resources: AppResources) -> QualityAnswer:
    """How a transcript that was handed in stands, and its result once there is one."""
    found = quality_request(resources.engine, request_id)
    if found is None:
        raise UnknownSubject(f"no transcript was handed in under {request_id!r}")
    return QualityAnswer.of(found)
