"""A small readable dataset with every edge case that storage could alter."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from domain.schema import KINDS
from domain.vocabulary import AttributeType
from features.base.dataset import Attribute, Dataset, arrow_schema

NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)
ATTRIBUTES = (
    Attribute("sessions", "subject", AttributeType.CATEGORICAL),
    Attribute("tutors", "grade", AttributeType.NUMERIC, late=True),
    Attribute("sessions", "price", AttributeType.NUMERIC),
)


def dataset(attributes: tuple[Attribute, ...] = ATTRIBUTES, **rows: list[dict[str, Any]]) -> Dataset:
    """A dataset from rows by kind; omitted fields are null, omitted kinds are empty."""
    tables = {kind: pa.Table.from_pylist(rows.get(kind, []), schema=arrow_schema(kind, attributes)) for kind in KINDS}
    return Dataset(tables, attributes)


def session(session_id: str, tutor_id: str = "t1", **fields: Any) -> dict[str, Any]:
    """A completed session of one hour, with some fields replaced."""
    return {
        "session_id": session_id,
        "tutor_id": tutor_id,
        "booked_at": NOON - timedelta(days=3),
        "starts_at": NOON,
        "ends_at": NOON + timedelta(hours=1),
        "status": "completed",
    } | fields


def corners() -> Dataset:
    """Nulls, empty texts, quotes, line breaks, other scripts, microseconds, doubles without a short form."""
    return dataset(
        tutors=[
            {
                "tutor_id": "t1",
                "name": 'O\'Brien, "Ann"',
                "email": "",
                "timezone": "UTC",
                "attributes.grade": 0.1 + 0.2,
            },
            {"tutor_id": "t2", "name": None, "timezone": "Asia/Kolkata", "started_at": NOON},
        ],
        students=[{"student_id": "s1", "timezone": "UTC"}],
        sessions=[
            session("x1", student_id="s1", rating=5.0, **{"attributes.subject": "", "attributes.price": 1e-300}),
            session("x2", late_minutes=1 / 3, **{"attributes.subject": 'fr"an\\çais\n', "attributes.price": None}),
            session("x3", "t2", status="booked", ends_at=None, **{"attributes.subject": None}),
        ],
        reschedules=[
            {
                "reschedule_id": "r1",
                "session_id": "x1",
                "tutor_id": "t1",
                "initiator": "tutor",
                "requested_at": NOON - timedelta(hours=6, minutes=30),
                "old_starts_at": NOON,
                "new_starts_at": NOON + timedelta(days=1),
                "reason_text": "ill,\r\nsorry; \\. NULL",
            }
        ],
        messages=[
            {"message_id": "m1", "tutor_id": "t1", "sent_at": NOON, "sender": "tutor", "recipient": "student"},
            {"message_id": "m2", "tutor_id": "t2", "sent_at": NOON, "sender": "student", "recipient": "tutor"},
        ],
        transcripts=[{"session_id": "x1", "known_at": NOON, "text": "tutor: hello\n\nstudent: \u4f60\u597d\n\\.\nend"}],
    )
