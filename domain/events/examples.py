"""An example event of each type, used by the documentation and the tests."""

from typing import Any

from domain.events.events import VERSION

TYPES = (
    "session.booked",
    "session.rescheduled",
    "session.cancelled",
    "session.completed",
    "session.no_show",
    "message.sent",
    "transcript.ready",
    "tutor.updated",
    "tutor.deleted",
    "student.deleted",
)
"""All event types."""


def example(kind: str) -> dict[str, Any]:
    """Example event of a type. Raises KeyError for an unknown type."""
    session = {
        "session_id": "session-81023",
        "tutor_id": "tutor-17",
        "student_id": "student-204",
        "booked_at": "2026-11-20T09:30:00Z",
        "starts_at": "2026-11-23T16:00:00Z",
        "ends_at": "2026-11-23T17:00:00Z",
    }
    data: dict[str, dict[str, Any]] = {
        "session.booked": session,
        "session.rescheduled": session
        | {"initiator": "tutor", "old_starts_at": "2026-11-22T16:00:00Z", "reason_text": "I am ill"},
        "session.cancelled": session | {"initiated_by": "tutor"},
        "session.completed": session | {"late_minutes": 4, "duration_minutes": 57, "rating": 4},
        "session.no_show": session | {"absent": "tutor"},
        "message.sent": {
            "message_id": "message-5",
            "tutor_id": "tutor-17",
            "student_id": "student-204",
            "sent_at": "2026-11-23T15:40:00Z",
            "sender": "tutor",
            "recipient": "student",
        },
        "transcript.ready": {"session_id": "session-81023", "text": "tutor: Hello.\nstudent: Hi."},
        "tutor.updated": {"tutor_id": "tutor-17", "name": "Ada", "timezone": "Europe/Berlin"},
        "tutor.deleted": {"tutor_id": "tutor-17"},
        "student.deleted": {"student_id": "student-204"},
    }
    return {"type": kind, "version": VERSION, "timestamp": "2026-11-23T17:00:05Z", "data": data[kind]}
