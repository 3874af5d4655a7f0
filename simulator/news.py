"""Rows of a simulated market that are new or changed between two moments."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from features.base.dataset import Dataset
from features.base.known import known_at

_NEW_BY = {"reschedules": "requested_at", "messages": "sent_at", "transcripts": "known_at"}


def news(dataset: Dataset, since: datetime, until: datetime) -> Dataset:
    """Rows that became known or changed from `since` on and before `until`, as known at `until`.

    Includes every row that these refer to, so that the result can be imported on top of
    `known_at(dataset, since)`.
    """
    tables = dict(known_at(dataset, until).tables)
    all_moves = tables["reschedules"]
    for kind, column in _NEW_BY.items():
        tables[kind] = tables[kind].filter(_from(tables[kind], column, since))
    tables["sessions"] = _sessions(tables, since)
    tables["reschedules"] = _with(all_moves, "session_id", [tables["sessions"]["session_id"]])
    named = [tables[kind]["tutor_id"] for kind in ("sessions", "messages", "reschedules")]
    tutors = tables["tutors"]
    changed = tutors.filter(pc.or_(_from(tutors, "started_at", since), _from(tutors, "departed_at", since)))
    tables["tutors"] = _with(tutors, "tutor_id", [*named, changed["tutor_id"]])
    students = [tables[kind]["student_id"] for kind in ("sessions", "messages")]
    tables["students"] = _with(tables["students"], "student_id", students)
    return replace(dataset, tables=tables)


def _sessions(tables: dict[str, pa.Table], since: datetime) -> pa.Table:
    """Sessions booked, rescheduled or ended since, and sessions with new transcripts."""
    sessions = tables["sessions"]
    changed = sessions.filter(pc.or_(_from(sessions, "booked_at", since), _from(sessions, "outcome_known_at", since)))
    named = [changed["session_id"], *(tables[kind]["session_id"] for kind in ("reschedules", "transcripts"))]
    return _with(sessions, "session_id", named)


def _from(table: pa.Table, column: str, since: datetime) -> pa.ChunkedArray:
    return pc.fill_null(pc.greater_equal(table[column], since), False)


def _with(table: pa.Table, column: str, ids: Iterable[pa.ChunkedArray]) -> pa.Table:
    wanted = pa.chunked_array([chunk for array in ids for chunk in array.chunks], pa.string())
    return table.filter(pc.is_in(table[column], wanted))
