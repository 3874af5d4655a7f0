"""What the Rails app tells us, one schema for every event. Unknown fields are refused, so that a typo is noticed.

An event carries the whole state of its session, so that events may come late, twice or in any order: the one with
the latest `timestamp` says how things stand.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.events.types import AttributeValue, Id, Minutes, Moment, Name, PathId, Rating, Reason, Text, Zone
from domain.vocabulary import Party, ReasonCode, SessionStatus

VERSION: Literal["2026-11-01"] = "2026-11-01"
"""The one version of the schema so far, by the day it was agreed. Fields are added, never changed or removed."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far the sender's clock may be off."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SessionState(_Sent):
    """How a session stands. `booked_at` is when it was first booked; attributes are columns of your own."""

    session_id: Id
    tutor_id: PathId
    student_id: Id | None = None
    booked_at: Moment
    starts_at: Moment
    ends_at: Moment | None = None
    attributes: dict[Name, AttributeValue] = Field(default_factory=dict)


class Rescheduled(SessionState):
    """A session that was moved; `starts_at` is the new start. `reschedule_id` is the event's id where left out."""

    reschedule_id: Id | None = None
    initiator: Party
    old_starts_at: Moment
    reason_text: Reason | None = None
    reason_code: ReasonCode | None = None


class Cancelled(SessionState):
    """A session that was called off, and by whom."""

    initiated_by: Party


class Completed(SessionState):
    """A session that was held. Send it again with a later `timestamp` when the rating comes."""

    late_minutes: Minutes | None = None
    duration_minutes: Minutes | None = None
    rating: Rating | None = None


class NoShow(SessionState):
    """A session to which somebody did not come."""

    absent: Literal["tutor", "student"] = "tutor"


class Message(_Sent):
    """That a message was written, not what it says."""

    message_id: Id
    tutor_id: PathId
    student_id: Id | None = None
    sent_at: Moment
    sender: Party
    recipient: Party


class Transcript(_Sent):
    """The transcript of a session: one turn a line, `tutor: …` or `student: …`."""

    session_id: Id
    text: Annotated[Text, StringConstraints(min_length=1)]


class Tutor(_Sent):
    """Who a tutor is, the whole of it."""

    tutor_id: PathId
    name: Name | None = None
    email: Name | None = None
    timezone: Zone | None = None
    started_at: Moment | None = None
    departed_at: Moment | None = None


class DeletedTutor(_Sent):
    """A tutor to erase. Times and outcomes of sessions stay under a random id; all text goes."""

    tutor_id: PathId


class DeletedStudent(_Sent):
    """A student to erase. Sessions stay with their tutors, without the student's id and without text."""

    student_id: Id


class _Event(_Sent):
    id: Id | None = Field(default=None, description="the `webhook-id` header where left out; needed in a batch")
    version: Literal["2026-11-01"] = VERSION
    timestamp: Moment = Field(description="when it happened, by your clock")


class SessionBooked(_Event):
    """A session was booked."""

    type: Literal["session.booked"]
    data: SessionState


class SessionRescheduled(_Event):
    """A session was moved."""

    type: Literal["session.rescheduled"]
    data: Rescheduled


class SessionCancelled(_Event):
    """A session was called off."""

    type: Literal["session.cancelled"]
    data: Cancelled


class SessionCompleted(_Event):
    """A session was held."""

    type: Literal["session.completed"]
    data: Completed


class SessionNoShow(_Event):
    """Somebody did not come to a session."""

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
"""Those that say how a session stands."""

Event = Annotated[
    SessionEvent | MessageSent | TranscriptReady | TutorUpdated | TutorDeleted | StudentDeleted,
    Field(discriminator="type"),
]
"""Anything the Rails app may tell us."""


AHEAD = "lies more than five minutes in the future: set the sender's clock"
"""Error for a moment that is ahead."""


def ahead(event: Event, now: datetime) -> list[str]:
    """Fields whose moment lies further in the future than a clock that is a little off explains."""
    moments = {"timestamp": event.timestamp}
    if isinstance(event.data, SessionState):
        moments["data.booked_at"] = event.data.booked_at
    return [field for field, moment in moments.items() if moment > now + CLOCK_SKEW]


def status_of(event: SessionEvent) -> SessionStatus:
    """How the session stands after the event."""
    match event:
        case SessionCompleted():
            return SessionStatus.COMPLETED
        case SessionCancelled():
            return SessionStatus.CANCELLED
        case SessionNoShow():
            return SessionStatus.NO_SHOW if event.data.absent == "tutor" else SessionStatus.STUDENT_NO_SHOW
        case _:
            return SessionStatus.BOOKED
