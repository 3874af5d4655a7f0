"""Data derived from read rows: tutors and students without a file, and `scheduled_at` of sessions."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from domain.schema import KINDS
from features.base.dataset import arrow_schema


def named_in(kind: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Derive a kind from the ids in the other kinds' rows, in order of first occurrence.

    Fields with a default are set to it, all others are empty.
    """
    schema, key = arrow_schema(kind), KINDS[kind].key
    ids = [
        tables[other].column(field.name).cast(pa.string())
        for other in tables
        for field in KINDS[other].fields
        if field.refers_to == kind
    ]
    chunks = [chunk for column in ids for chunk in column.chunks]
    named = pc.unique(pa.chunked_array(chunks, pa.string())).drop_null()
    columns = {
        f.name: pa.repeat(pa.scalar(f.default, schema.field(f.name).type), len(named)) for f in KINDS[kind].fields
    }
    return pa.table(columns | {key: named}, schema=schema)


def with_last_reschedule(sessions: pa.Table, reschedules: pa.Table) -> pa.Table:
    """Set `scheduled_at` of sessions to the moment of the last reschedule, or of the booking without one."""
    last = reschedules.group_by("session_id").aggregate([("requested_at", "max")])
    place = pc.index_in(sessions["session_id"], last["session_id"].combine_chunks())
    moved = last["requested_at_max"].combine_chunks().take(place.combine_chunks())
    last_moved, booked = pa.chunked_array([moved]), sessions["booked_at"]
    scheduled = pc.if_else(pc.fill_null(pc.greater(last_moved, booked), False), last_moved, booked)
    index = sessions.schema.get_field_index("scheduled_at")
    return sessions.set_column(index, sessions.schema.field(index), scheduled)
