"""Schemas of the events sent by the Rails app. Unknown fields are rejected, so that a typo is noticed.

An event carries the full state of its session, so that events may arrive late, twice or in any order: the event with
the latest `timestamp` determines the current state.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.events.types import AttributeValue, Id, Minutes, Moment, Name, PathId, Rating, Reason, Text, Zone
from domain.vocabulary import Party, ReasonCode, SessionStatus

VERSION: Literal["2026-11-01"] = "2026-11-01"
"""The only schema version so far, named by its date. Fields are added, never changed or removed."""

CLOCK_SKEW = timedelta(minutes=5)
"""Largest tolerated clock skew of the sender."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionState(_Sent):
    """State of a session. `booked_at` is when it was first booked; `attributes` are the customer's own columns."""

    session_id: Id
    tutor_id: PathId
    student_id: Id | None = None
    booked_at: Moment
    starts_at: Moment
    ends_at: Moment | None = None
    attributes: dict[Name, AttributeValue] = Field(default_factory=dict)


class Rescheduled(SessionState):
    """A rescheduled session; `starts_at` is the new start. `reschedule_id` defaults to the event's id."""

    reschedule_id: Id | None = None
    initiator: Party
    old_starts_at: Moment
    reason_text: Reason | None = None
    reason_code: ReasonCode | None = None


class Cancelled(SessionState):
    """A cancelled session and the party that cancelled it."""

    initiated_by: Party


class Completed(SessionState):
    """A session that took place. Send it again with a later `timestamp` once the rating is known."""

    late_minutes: Minutes | None = None
    duration_minutes: Minutes | None = None
    rating: Rating | None = None


class NoShow(SessionState):
    """A session that the tutor or the student did not attend."""

    absent: Literal["tutor", "student"] = "tutor"


class Message(_Sent):
    """Metadata of a message, without its text."""

    message_id: Id
    tutor_id: PathId
    student_id: Id | None = None
    sent_at: Moment
    sender: Party
    recipient: Party


class Transcript(_Sent):
    """The transcript of a session: one turn per line, `tutor: …` or `student: …`."""

    session_id: Id
    text: Annotated[Text, StringConstraints(min_length=1)]


class Tutor(_Sent):
    """Full profile of a tutor; it replaces the stored one."""

    tutor_id: PathId
    name: Name | None = None
    email: Name | None = None
    timezone: Zone | None = None
    started_at: Moment | None = None
    departed_at: Moment | None = None


class DeletedTutor(_Sent):
    """A tutor to erase. Times and outcomes of sessions are kept under a random id; all text is deleted."""

    tutor_id: PathId


class DeletedStudent(_Sent):
    """A student to erase. Sessions are kept for their tutors, without the student's id and without text."""

    student_id: Id


class _Event(_Sent):
    id: Id | None = Field(default=None, description="defaults to the `webhook-id` header; required in a batch")
    version: Literal["2026-11-01"] = VERSION
    timestamp: Moment = Field(description="when it happened, by the sender's clock")


class SessionBooked(_Event):
    """A session was booked."""

    type: Literal["session.booked"]
    data: SessionState


class SessionRescheduled(_Event):
    """A session was rescheduled."""

    type: Literal["session.rescheduled"]
    data: Rescheduled


class SessionCancelled(_Event):
    """A session was cancelled."""

    type: Literal["session.cancelled"]
    data: Cancelled


class SessionCompleted(_Event):
    """A session took place."""

    type: Literal["session.completed"]
    data: Completed


class SessionNoShow(_Event):
    """The tutor or the student did not attend a session."""

    type: Literal["session.no_show"]
    data: NoShow


class MessageSent(_Event):
    """A message was written."""

    type: Literal["message.sent"]
    data: Message


class TranscriptReady(_Event):
    """A transcript became available."""

    type: Literal["transcript.ready"]
    data: Transcript


class TutorUpdated(_Event):
    """A tutor joined, changed or left."""

    type: Literal["tutor.updated"]
    data: Tutor


class TutorDeleted(_Event):
    """A tutor asked to be erased. This cannot be undone: later events about the id are not applied."""

    type: Literal["tutor.deleted"]
    data: DeletedTutor


class StudentDeleted(_Event):
    """A student asked to be erased. This cannot be undone: later events are applied without the student."""

    type: Literal["student.deleted"]
    data: DeletedStudent


SessionEvent = SessionBooked | SessionRescheduled | SessionCancelled | SessionCompleted | SessionNoShow
"""Events that carry the state of a session."""

Event = Annotated[
    SessionEvent | MessageSent | TranscriptReady | TutorUpdated | TutorDeleted | StudentDeleted,
    Field(discriminator="type"),
]
"""Any event of the Rails app."""


AHEAD = "is more than five minutes in the future: check the sender's clock"
"""Error for a moment in the future."""


def ahead(event: Event, now: datetime) -> list[str]:
    """Fields whose moment is later than `now` by more than CLOCK_SKEW."""
    moments = {"timestamp": event.timestamp}
    if isinstance(event.data, SessionState):
        moments["data.booked_at"] = event.data.booked_at
    return [field for field, moment in moments.items() if moment > now + CLOCK_SKEW]


def status_of(event: SessionEvent) -> SessionStatus:
    """Status of the session after the event."""
    match event:
        case SessionCompleted():
            return SessionStatus.COMPLETED
        case SessionCancelled():
            return SessionStatus.CANCELLED
        case SessionNoShow():
            return SessionStatus.NO_SHOW if event.data.absent == "tutor" else SessionStatus.STUDENT_NO_SHOW
        case _:
            return SessionStatus.BOOKED
