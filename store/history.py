"""Read what happened back into a Dataset: everything to train on, or a few tutors' history to answer a request."""

from collections.abc import Collection, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from sqlalchemy import Connection, Engine, select

from domain.schema import KINDS
from features.dataset import Attribute, Dataset, arrow_schema
from store import attributes as stored_attributes
from store.copying import copy_out, select_list
from store.database import reading
from store.tables import dataset_facts

HISTORY_KINDS = ("tutors", "students", "sessions", "reschedules", "messages")
"""The kinds that columns are computed from: all but the long texts."""

_OF_IDS = {
    "students": "t.student_id = ANY ({ids})",
    "transcripts": "t.session_id IN (SELECT s.session_id FROM sessions s WHERE s.tutor_id = ANY ({ids}))",
}
_OWN = "t.tutor_id = ANY ({ids})"

Ids = Sequence[str] | None


def read_dataset(engine: Engine, tutor_ids: Ids = None, kinds: Collection[str] = tuple(KINDS)) -> Dataset:
    """The dataset as stored, each table sorted by its key; kinds not asked for have no rows.

    With `tutor_ids`, only those tutors, what they did and the students of their sessions, read by index.
    All tables are of the same moment. Raises DatabaseUnavailable.
    """
    with reading(engine) as connection:
        attributes = stored_attributes.defined(connection)
        read = partial(_read, connection, attributes)
        tables = {kind: read(kind, tutor_ids) for kind in kinds if kind != "students"}
        if "students" in kinds:
            sessions = tables["sessions"] if "sessions" in tables else read("sessions", tutor_ids)
            tables["students"] = read("students", tutor_ids and _students_of(sessions))
        departures_given = connection.execute(select(dataset_facts.c.departures_given)).scalar()
    empty = {kind: arrow_schema(kind, attributes).empty_table() for kind in KINDS if kind not in tables}
    return Dataset(tables | empty, attributes, departures_given is not False)


def _students_of(sessions: pa.Table) -> list[str]:
    """Whom sessions name. Found here and looked up by key: a join would read every session a second time."""
    ids: list[str] = pc.drop_null(pc.unique(sessions["student_id"])).to_pylist()
    return ids


def _read(connection: Connection, attributes: tuple[Attribute, ...], kind: str, ids: Ids) -> pa.Table:
    query = sql.SQL("SELECT {} FROM {} AS t").format(select_list(kind, attributes), sql.Identifier(kind))
    if ids is not None:
        condition = sql.SQL(_OF_IDS.get(kind, _OWN)).format(ids=sql.Literal(list(ids)))
        query = sql.SQL("{} WHERE {}").format(query, condition)
    # Here rather than in the query: the same order whatever collation the database was made with.
    return copy_out(connection, query, arrow_schema(kind, attributes)).sort_by(KINDS[kind].key)
