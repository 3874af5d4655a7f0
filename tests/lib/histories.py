"""Handwritten and Hypothesis-generated datasets, as lists of dicts that both the engine and the oracle read."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from domain.schema import KINDS
from domain.vocabulary import Party, ReasonCode, SessionStatus
from features.base.dataset import Attribute, Dataset, arrow_schema

Row = dict[str, Any]
Rows = dict[str, list[Row]]

BEGIN = datetime(2024, 2, 20, tzinfo=UTC)
"""The clocks change on 10 March (New York), 31 March (Berlin) and 7 April (Lord Howe, by half an hour)."""

ZONES = (None, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland")
TUTORS = ("ada", "ben", "cleo")
STUDENTS = ("s1", "s2")
UNKNOWN = "nobody"


def dataset(
    rows: Mapping[str, Sequence[Row]], attributes: tuple[Attribute, ...] = (), departures_given: bool = True
) -> Dataset:
    """A dataset from lists of dicts by kind; omitted kinds and fields are empty."""
    tables = {k: pa.Table.from_pylist(list(rows.get(k, ())), arrow_schema(k, attributes)) for k in KINDS}
    return Dataset(tables, attributes, departures_given)


def sessions_table(rows: Sequence[Row]) -> pa.Table:
    """Sessions without attributes as the table that a history encodes."""
    return pa.Table.from_pylist(list(rows), arrow_schema("sessions"))


def only(rows: Rows, tutor_id: str) -> Rows:
    """The rows that a lookup of one tutor's history reads."""
    return {
        kind: [r for r in kind_rows if kind == "students" or r["tutor_id"] == tutor_id]
        for kind, kind_rows in rows.items()
    }


# A coarse grid makes times coincide with each other and with the edges of 7, 30 and 90 days far more often.
_grid = st.integers(0, 2 * 130).map(lambda n: BEGIN + timedelta(hours=12 * n))
_free = st.integers(0, 130 * 86_400_000_000).map(lambda n: BEGIN + timedelta(microseconds=n))
times = st.one_of(_grid, _grid, _free)
_spans = st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=24), timedelta(days=7), timedelta(days=30)])
_tutor_ids = st.sampled_from((*TUTORS, UNKNOWN))


@st.composite
def session(draw: st.DrawFn) -> Row:
    """Draw a session with fields in chronological order; its outcome may be unknown."""
    booked_at = draw(times)
    starts_at = booked_at + draw(_spans)
    return {
        "session_id": "",
        "tutor_id": draw(_tutor_ids),
        "student_id": draw(st.sampled_from((*STUDENTS, None, UNKNOWN))),
        "booked_at": booked_at,
        "scheduled_at": draw(st.sampled_from([None, booked_at, starts_at])),
        "starts_at": starts_at,
        "ends_at": draw(
            st.sampled_from([None, starts_at, starts_at + timedelta(minutes=50), starts_at + timedelta(hours=12)])
        ),
    } | draw(outcome(starts_at, not_before=booked_at))


@st.composite
def outcome(draw: st.DrawFn, starts_at: datetime, not_before: datetime) -> Row:
    """Draw the outcome of a session and when it became known, never before `not_before`."""
    around = st.one_of(
        times, st.sampled_from([timedelta(hours=h) for h in (-24, -4, -1, 0, 24)]).map(lambda d: starts_at + d)
    )
    return {
        "status": draw(st.sampled_from(list(SessionStatus))),
        "outcome_known_at": draw(st.one_of(st.none(), around.map(lambda t: max(t, not_before)))),
        "initiated_by": draw(st.sampled_from([None, *Party])),
        "late_minutes": draw(st.sampled_from([None, 0.0, 5.0, 7.5])),
        "duration_minutes": draw(st.sampled_from([None, 0.0, 47.3, 60.0])),
        "rating": draw(st.sampled_from([None, 1.0, 4.3, 5.0])),
    }


@st.composite
def reschedule(draw: st.DrawFn) -> Row:
    """Draw a reschedule by any party."""
    requested_at = draw(times)
    return {
        "reschedule_id": "",
        "session_id": draw(st.sampled_from(["x0", "x1", "x2", "elsewhere"])),
        "tutor_id": draw(_tutor_ids),
        "initiator": draw(st.sampled_from(list(Party))),
        "requested_at": requested_at,
        "old_starts_at": requested_at + draw(_spans) - draw(st.sampled_from([timedelta(0), timedelta(hours=2)])),
        "reason_code": draw(st.sampled_from([None, *ReasonCode])),
        "new_starts_at": requested_at + draw(_spans),
    }


message = st.fixed_dictionaries(
    {
        "message_id": st.just(""),
        "tutor_id": _tutor_ids,
        "student_id": st.sampled_from((*STUDENTS, None, UNKNOWN)),
        "sent_at": times,
        "sender": st.sampled_from(list(Party)),
        "recipient": st.sampled_from(list(Party)),
    }
)


@st.composite
def marketplace(draw: st.DrawFn) -> Rows:
    """Draw a small marketplace: some tutors have no session, some streams are empty."""
    tutor = st.fixed_dictionaries({"timezone": st.sampled_from(ZONES), "started_at": st.one_of(st.none(), times)})
    sessions = _numbered(draw(st.lists(session(), max_size=14)), "session_id")
    tutors = draw(st.sampled_from([TUTORS, TUTORS[:1], (), TUTORS[::-1]]))
    return {
        "tutors": [{"tutor_id": t, "departed_at": None} | draw(tutor) for t in tutors],
        "students": [{"student_id": s} for s in draw(st.sampled_from([STUDENTS, ()]))],
        "sessions": sessions,
        "reschedules": _numbered(_after_booking(draw(st.lists(reschedule(), max_size=6)), sessions), "reschedule_id"),
        "messages": _numbered(draw(st.lists(message, max_size=12)), "message_id"),
    }


def _after_booking(reschedules: list[Row], sessions: list[Row]) -> list[Row]:
    """Reassign reschedules that precede the booking of their session to another session."""
    booked_at = {s["session_id"]: s["booked_at"] for s in sessions}
    early = [r["requested_at"] < booked_at.get(r["session_id"], r["requested_at"]) for r in reschedules]
    return [r | {"session_id": "elsewhere"} if e else r for r, e in zip(reschedules, early, strict=True)]


@st.composite
def queried(draw: st.DrawFn) -> list[Row]:
    """Draw sessions to query, which may be missing from the marketplace."""
    return _numbered(draw(st.lists(session(), min_size=1, max_size=5)), "session_id")


@st.composite
def another_future(draw: st.DrawFn, rows: Rows, as_of: datetime) -> Rows:
    """Returns the marketplace as known before `as_of`, with later data drawn again."""
    changed = deepcopy(rows)
    kept = [s for s in changed["sessions"] if s["booked_at"] < as_of]
    for row in kept:
        if row["outcome_known_at"] is None or row["outcome_known_at"] >= as_of:
            if row["scheduled_at"] is not None and row["scheduled_at"] >= as_of:
                row["starts_at"] = max(row["booked_at"], row["starts_at"] + draw(_spans))
            row |= draw(outcome(row["starts_at"], not_before=as_of))
    changed["sessions"] = kept
    changed["reschedules"] = [r for r in changed["reschedules"] if r["requested_at"] < as_of]
    changed["messages"] = [m for m in changed["messages"] if m["sent_at"] < as_of]
    later = draw(marketplace())
    for row in later["sessions"]:
        row["session_id"] = "later " + row["session_id"]
        row["booked_at"] = max(row["booked_at"], as_of)
        row["starts_at"] = max(row["starts_at"], row["booked_at"])
        row |= draw(outcome(row["starts_at"], not_before=as_of))
    for kind, field in (("reschedules", "requested_at"), ("messages", "sent_at")):
        for row in later[kind]:
            row[field] = max(row[field], as_of)
    for kind in ("sessions", "reschedules", "messages"):
        changed[kind] = _mixed(draw, changed[kind], later[kind])
    newcomer = {"tutor_id": "zoe", "timezone": "Europe/Berlin", "started_at": as_of, "departed_at": None}
    changed["tutors"] = [
        newcomer,
        *(t | {"departed_at": draw(st.sampled_from([None, as_of]))} for t in changed["tutors"]),
    ]
    changed["students"] = [{"student_id": "newcomer"}, *changed["students"]]
    return changed


def _mixed(draw: st.DrawFn, first: list[Row], second: list[Row]) -> list[Row]:
    """Interleave two lists, keeping the order of `first`, which alone orders rows of equal times."""
    places = sorted(draw(st.lists(st.integers(0, len(first)), min_size=len(second), max_size=len(second))))
    merged = list(first)
    for place, row in reversed(list(zip(places, second, strict=True))):
        merged.insert(place, row)
    return merged


def _numbered(rows: list[Row], key: str) -> list[Row]:
    return [row | {key: f"x{i}"} for i, row in enumerate(rows)]
