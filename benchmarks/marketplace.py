"""A marketplace of any size as Arrow tables, quickly: no behaviour in it, only the volumes and shapes of real data."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.vocabulary import ReasonCode
from features.base.dataset import TIME, Dataset, arrow_schema

HOUR, DAY = 3_600_000_000, 86_400_000_000
BEGIN = 1_700_000_000_000_000
DAYS = 180
SESSIONS_A_TUTOR = 450
"""As in 540,000 sessions of 1,200 tutors."""
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "America/Los_Angeles", "Australia/Sydney")
STATUSES = ("completed", "no_show", "cancelled", "student_no_show", "booked")
SHARES = (0.8, 0.06, 0.06, 0.04, 0.04)
REASONS = (None, *ReasonCode)

Codes = NDArray[np.int64]


def marketplace(n: int, seed: int = 0, begin: int = BEGIN, sessions_a_tutor: int = SESSIONS_A_TUTOR) -> Dataset:
    """A dataset of n sessions in the order of booking, a tenth as many reschedules and half as many messages.

    They are booked in the 180 days from `begin` (UTC microseconds) on.
    """
    rng = np.random.default_rng(seed)
    tutors, students = max(n // sessions_a_tutor, 1), max(n // 60, 1)
    tutor_ids, student_ids = _ids("t", tutors), _ids("s", students)
    sessions = _sessions(rng, n, begin, tutor_ids, student_ids)
    empty = {kind: arrow_schema(kind).empty_table() for kind in ("students", "transcripts")}
    return Dataset(
        empty
        | {
            "tutors": _tutors(rng, begin, tutor_ids),
            "students": _table("students", {"student_id": student_ids}),
            "sessions": sessions,
            "reschedules": _reschedules(rng, n // 10, sessions),
            "messages": _messages(rng, n // 2, begin, sessions),
        }
    )


def _tutors(rng: np.random.Generator, begin: int, ids: pa.Array) -> pa.Table:
    zones = pa.array(ZONES).take(pa.array(rng.integers(0, len(ZONES), len(ids))))
    started_at = begin - rng.integers(0, 700 * DAY, len(ids))
    return _table("tutors", {"tutor_id": ids, "timezone": zones, "started_at": pa.array(started_at, TIME)})


def _sessions(rng: np.random.Generator, n: int, begin: int, tutor_ids: pa.Array, student_ids: pa.Array) -> pa.Table:
    booked_at = begin + np.sort(rng.integers(0, DAYS * DAY, n))
    starts_at = (booked_at + rng.integers(HOUR, 10 * DAY, n)) // (HOUR // 2) * (HOUR // 2) + HOUR
    status = rng.choice(len(STATUSES), n, p=SHARES)
    # A student keeps to a few tutors, so that pairs have a history.
    student = rng.integers(0, len(student_ids), n)
    tutor = (student * 7 + rng.integers(0, 4, n)) % len(tutor_ids)
    cancelled, held = status == STATUSES.index("cancelled"), status == STATUSES.index("completed")
    # A cancellation is known some hours before the start, but not before the booking; all else after it.
    known_at = np.where(cancelled, np.maximum(starts_at - rng.integers(0, 60 * HOUR, n), booked_at), starts_at + HOUR)
    known_at += rng.integers(0, HOUR, n)
    known = pa.array(known_at, TIME, mask=status == STATUSES.index("booked"))
    moved = pa.array(booked_at + rng.integers(0, HOUR, n), TIME, mask=rng.random(n) > 0.1)
    columns = {
        "session_id": pc.cast(pa.array(np.arange(n)), pa.string()),
        "tutor_id": tutor_ids.take(pa.array(tutor)),
        "student_id": student_ids.take(pa.array(student)),
        "booked_at": pa.array(booked_at, TIME),
        "scheduled_at": moved,
        "starts_at": pa.array(starts_at, TIME),
        "ends_at": pa.array(starts_at + HOUR, TIME),
        "status": pa.array(STATUSES).take(pa.array(status)),
        "outcome_known_at": known,
        "initiated_by": pa.array(("tutor", "student")).take(pa.array(rng.integers(0, 2, n), mask=~cancelled)),
        "late_minutes": pa.array(rng.exponential(3.0, n).round(), mask=~held),
        "duration_minutes": pa.array(rng.integers(30, 90, n).astype(float), mask=~held),
        "rating": pa.array(rng.integers(1, 6, n).astype(float)),
    }
    return _table("sessions", columns)


def _reschedules(rng: np.random.Generator, n: int, sessions: pa.Table) -> pa.Table:
    """Each moves a session that was ever booked, some hours after its booking."""
    moved = sessions.take(pa.array(np.sort(rng.integers(0, sessions.num_rows, n))))
    requested_at = _times(moved["booked_at"]) + rng.integers(0, 5 * DAY, n)
    columns = {
        "session_id": moved["session_id"],
        "tutor_id": moved["tutor_id"],
        "initiator": pa.array(("tutor", "student")).take(pa.array((rng.random(n) < 0.2).astype(np.int64))),
        "requested_at": pa.array(requested_at, TIME),
        "old_starts_at": moved["starts_at"],
        "reason_code": pa.array(REASONS, pa.string()).take(pa.array(rng.integers(0, len(REASONS), n))),
    }
    return _table("reschedules", columns)


def _messages(rng: np.random.Generator, n: int, begin: int, sessions: pa.Table) -> pa.Table:
    """Between pairs that meet, at any time."""
    about = sessions.take(pa.array(rng.integers(0, sessions.num_rows, n)))
    columns = {
        "tutor_id": about["tutor_id"],
        "student_id": about["student_id"],
        "sent_at": pa.array(begin + np.sort(rng.integers(0, DAYS * DAY, n)), TIME),
        "sender": pa.array(("tutor", "student", "platform")).take(pa.array(rng.integers(0, 3, n))),
    }
    return _table("messages", columns)


def _times(column: pa.ChunkedArray) -> Codes:
    return np.asarray(pc.cast(column, pa.int64()).to_numpy())


def _ids(letter: str, n: int) -> pa.Array:
    return pc.binary_join_element_wise(letter, pc.cast(pa.array(np.arange(n)), pa.string()), "")


def _table(kind: str, columns: dict[str, pa.Array]) -> pa.Table:
    schema = arrow_schema(kind)
    n = len(next(iter(columns.values())))
    return pa.table([columns.get(field.name, pa.nulls(n, field.type)) for field in schema], schema=schema)
