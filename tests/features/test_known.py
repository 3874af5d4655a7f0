"""Dataset as known at an earlier moment."""

from datetime import timedelta

from features.base.known import known_at
from tests.lib.histories import BEGIN, dataset

DAY = timedelta(days=1)


def test_a_session_moved_twice_has_the_start_that_was_known_at_each_moment() -> None:
    starts = [BEGIN + 10 * DAY, BEGIN + 12 * DAY, BEGIN + 15 * DAY]
    session = {
        "session_id": "a", "tutor_id": "ada", "student_id": "s1", "booked_at": BEGIN, "scheduled_at": BEGIN + 4 * DAY,
        "starts_at": starts[2], "ends_at": starts[2] + timedelta(hours=1), "status": "completed",
        "outcome_known_at": starts[2] + timedelta(hours=1), "rating": 4.0,
    }  # fmt: skip
    moves = [
        {
            "session_id": "a", "tutor_id": "ada", "initiator": "tutor", "requested_at": BEGIN + day * DAY,
            "old_starts_at": old, "new_starts_at": new,
        }
        for day, old, new in ((4, starts[1], starts[2]), (2, starts[0], starts[1]))
    ]  # fmt: skip
    whole = dataset({"tutors": [{"tutor_id": "ada", "started_at": BEGIN - DAY}], "sessions": [session],
                     "students": [{"student_id": "s1"}], "reschedules": moves})  # fmt: skip

    known = [known_at(whole, BEGIN + day * DAY).tables["sessions"].to_pylist()[0] for day in (1, 3, 5, 20)]

    assert [row["starts_at"] for row in known] == [*starts, starts[2]]
    assert [row["ends_at"] - row["starts_at"] for row in known] == [timedelta(hours=1)] * 4
    assert [(row["status"], row["rating"]) for row in known] == [("booked", None)] * 3 + [("completed", 4.0)]
