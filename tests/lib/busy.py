"""A busy marketplace drawn from a seed, in which every feature column takes many values."""

from datetime import datetime, timedelta
from random import Random

from domain.vocabulary import ReasonCode
from tests.lib.histories import BEGIN, Row, Rows

TUTORS = {"ada": "Europe/Berlin", "ben": "America/New_York", "cleo": None}
STUDENTS = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")
DAYS = 130
OUTCOMES = ("completed",) * 6 + ("no_show", "cancelled", "cancelled", "student_no_show", "booked")


def busy(seed: int) -> Rows:
    """Rows of three tutors, 180 sessions, 60 reschedules and 150 messages in 130 days, at full hours."""
    rng = Random(seed)
    sessions = [_session(rng, i) for i in range(180)]
    return {
        "tutors": [{"tutor_id": t, "timezone": zone, "started_at": BEGIN} for t, zone in TUTORS.items()],
        "students": [{"student_id": s} for s in STUDENTS],
        "sessions": sessions,
        "reschedules": [_reschedule(rng, i, rng.choice(sessions)) for i in range(60)],
        "messages": [_message(rng, i) for i in range(150)],
    }


def known_at(rows: Rows, as_of: datetime) -> Rows:
    """Returns the marketplace without data that became known at `as_of` or later."""
    sessions = [s for s in rows["sessions"] if s["booked_at"] < as_of]
    unknown = {"status": "booked", "outcome_known_at": None, "initiated_by": None, "late_minutes": None, "rating": None}
    return rows | {
        "sessions": [s if (s["outcome_known_at"] or as_of) < as_of else s | unknown for s in sessions],
        "reschedules": [r for r in rows["reschedules"] if r["requested_at"] < as_of],
        "messages": [m for m in rows["messages"] if m["sent_at"] < as_of],
    }


def _session(rng: Random, number: int) -> Row:
    starts_at = BEGIN + timedelta(hours=24 * rng.randrange(DAYS) + rng.choice((7, 8, 9, 15, 16, 17, 20)))
    booked_at = starts_at - timedelta(hours=rng.choice((1, 3, 30, 60, 100, 300)))
    status = rng.choice(OUTCOMES)
    held = status in ("completed", "student_no_show")
    known = starts_at + timedelta(hours=1)
    if status == "cancelled":
        known = max(booked_at, starts_at - timedelta(hours=rng.choice((1, 3, 10, 50))))
    return {
        "session_id": f"x{number}",
        "tutor_id": rng.choice(list(TUTORS)),
        "student_id": rng.choice((*STUDENTS, None)),
        "booked_at": booked_at,
        "scheduled_at": rng.choice((None, booked_at, booked_at + timedelta(minutes=30))),
        "starts_at": starts_at,
        "ends_at": rng.choice((None, starts_at + timedelta(hours=1))),
        "status": status,
        "outcome_known_at": None if status == "booked" else known,
        "initiated_by": rng.choice(("tutor", "student")) if status == "cancelled" else None,
        "late_minutes": rng.choice((None, 0.0, 3.5, 6.0, 20.0)) if held else None,
        "duration_minutes": rng.choice((None, 45.5, 60.0)) if held else None,
        "rating": rng.choice((None, 1.0, 4.3, 5.0)) if held else None,
    }


def _reschedule(rng: Random, number: int, session: Row) -> Row:
    requested_at = session["booked_at"] + timedelta(minutes=20)
    old = requested_at + timedelta(hours=rng.choice((2, 20, 40, 80)))
    return {
        "reschedule_id": f"r{number}",
        "session_id": session["session_id"],
        "tutor_id": session["tutor_id"],
        "initiator": rng.choice(("tutor", "tutor", "student")),
        "requested_at": requested_at,
        "old_starts_at": old,
        "new_starts_at": session["starts_at"],
        "reason_code": rng.choice((None, *ReasonCode)),
    }


def _message(rng: Random, number: int) -> Row:
    sender = rng.choice(("tutor", "tutor", "student", "student", "platform"))
    return {
        "message_id": f"m{number}",
        "tutor_id": rng.choice(list(TUTORS)),
        "student_id": None if sender == "platform" else rng.choice(STUDENTS[:3]),
        "sent_at": BEGIN + timedelta(hours=rng.randrange(24 * DAYS)),
        "sender": sender,
        "recipient": "student" if sender == "tutor" else "tutor",
    }
