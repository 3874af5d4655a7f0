"""A described session that is not stored, as a row of the dataset."""

from datetime import timedelta

from features.base.dataset import arrow_schema
from models.score.described_session import described_session
from tests.lib.small_dataset import ATTRIBUTES, NOON, corners


def test_a_described_session_is_one_booked_row_in_the_schema_of_the_dataset() -> None:
    row = described_session(corners(), "t1", None, NOON + timedelta(days=1), NOON, {"subject": "maths"})
    assert row.schema.equals(arrow_schema("sessions", ATTRIBUTES))
    (session,) = row.to_pylist()
    assert (session["tutor_id"], session["student_id"], session["status"]) == ("t1", None, "booked")
    assert (session["booked_at"], session["scheduled_at"]) == (NOON, NOON)
    assert (session["attributes.subject"], session["attributes.price"]) == ("maths", None)
