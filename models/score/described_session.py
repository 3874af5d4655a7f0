"""A session that is not stored, as a row of the dataset."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from domain.events.types import AttributeValue
from domain.vocabulary import SessionStatus
from features.base.dataset import Dataset, arrow_schema
from models.score.scoring import DESCRIBED


def described_session(
    dataset: Dataset,
    tutor_id: str,
    student_id: str | None,
    starts_at: datetime,
    booked_at: datetime,
    attributes: Mapping[str, AttributeValue],
) -> pa.Table:
    """The booked session as a table of one row in the dataset's schema. Attributes left out are null."""
    row: dict[str, Any] = {a.column: attributes.get(a.name) for a in dataset.feature_attributes("sessions")}
    row |= {
        "session_id": DESCRIBED,
        "tutor_id": tutor_id,
        "student_id": student_id,
        "booked_at": booked_at,
        "scheduled_at": booked_at,
        "starts_at": starts_at,
        "status": SessionStatus.BOOKED.value,
    }
    return pa.Table.from_pylist([row], schema=arrow_schema("sessions", dataset.attributes))
