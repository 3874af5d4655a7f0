"""A dataset as known at an earlier moment: for scores of past weeks, and for changes to be replayed as events."""

from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import SessionStatus
from features.base.dataset import Dataset

_OUTCOME = ("outcome_known_at", "initiated_by", "late_minutes", "duration_minutes", "rating")


def known_at(dataset: Dataset, moment: datetime) -> Dataset:
    """The dataset without data that became known at `moment` or later.

    A session rescheduled since then has its earlier times again; attributes and names are those of today.
    """
    tables = dict(dataset.tables)
    tables["sessions"] = _sessions(_before(tables["sessions"], "booked_at", moment), tables["reschedules"], moment)
    for kind, column in (("reschedules", "requested_at"), ("messages", "sent_at"), ("transcripts", "known_at")):
        tables[kind] = _before(tables[kind], column, moment)
    tutors = _before(tables["tutors"], "started_at", moment)
    tables["tutors"] = _without(tutors, ("departed_at",), pc.greater_equal(tutors["departed_at"], moment))
    named = pa.chunked_array([*tables["sessions"]["student_id"].chunks, *tables["messages"]["student_id"].chunks])
    tables["students"] = tables["students"].filter(pc.is_in(tables["students"]["student_id"], named))
    return replace(dataset, tables=tables)


def _before(table: pa.Table, column: str, moment: datetime) -> pa.Table:
    """Rows of times before the moment, or of unknown times."""
    return table.filter(pc.fill_null(pc.less(table[column], moment), True))


def _sessions(sessions: pa.Table, reschedules: pa.Table, moment: datetime) -> pa.Table:
    """Sessions without outcomes and reschedules that became known at `moment` or later."""
    open_still = pc.fill_null(pc.greater_equal(sessions["outcome_known_at"], moment), False)
    status = pc.if_else(open_still, SessionStatus.BOOKED.value, sessions["status"])
    sessions = _replaced(_without(sessions, _OUTCOME, open_still), "status", status)
    later = reschedules.filter(pc.greater_equal(reschedules["requested_at"], moment)).sort_by("requested_at")
    row = pc.index_in(sessions["session_id"], later["session_id"])
    old = pc.take(later["old_starts_at"], row)
    lasts = pc.subtract(sessions["ends_at"], sessions["starts_at"])
    sessions = _replaced(sessions, "ends_at", pc.if_else(pc.is_null(old), sessions["ends_at"], pc.add(old, lasts)))
    sessions = _replaced(sessions, "starts_at", pc.coalesce(old, sessions["starts_at"]))
    booked = pc.if_else(pc.is_null(old), sessions["scheduled_at"], sessions["booked_at"])
    return _replaced(sessions, "scheduled_at", booked)


def _without(table: pa.Table, columns: tuple[str, ...], rows: pa.ChunkedArray) -> pa.Table:
    """Set columns to null in the rows where the mask is true."""
    kept = pc.invert(pc.fill_null(rows, False))
    for name in columns:
        nothing = pa.scalar(None, table.schema.field(name).type)
        table = _replaced(table, name, pc.if_else(kept, table[name], nothing))
    return table


def _replaced(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), column)
