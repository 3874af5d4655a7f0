"""Reading of facts into a Dataset: everything for training, or the history of a few tutors for a request."""

from collections.abc import Collection, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from sqlalchemy import Connection, Engine, select

from domain.schema import KINDS
from features.base.dataset import Attribute, Dataset, Group, arrow_schema
from store.db.copying import copy_out, select_list
from store.db.engine import reading
from store.facts import attributes as stored_attributes
from store.schema.tables import dataset_facts

HISTORY_KINDS = ("tutors", "students", "sessions", "reschedules", "messages")
"""Kinds from which columns are computed: all except transcripts."""

_OF_IDS = {
    "students": "t.student_id = ANY ({ids})",
    "transcripts": "t.session_id IN (SELECT s.session_id FROM sessions s WHERE s.tutor_id = ANY ({ids}))",
}
_OWN = "t.tutor_id = ANY ({ids})"

Ids = Sequence[str] | None


def read_dataset(engine: Engine, tutor_ids: Ids = None, kinds: Collection[str] = tuple(KINDS)) -> Dataset:
    """The dataset as stored, each table sorted by its key; kinds that are not requested have no rows.

    With `tutor_ids`, only rows about those tutors and the students of their sessions, read by index. All tables are
    read in one snapshot. Raises DatabaseUnavailable.
    """
    with reading(engine) as connection:
        return dataset_on(connection, tutor_ids, kinds)


def dataset_on(connection: Connection, tutor_ids: Ids, kinds: Collection[str]) -> Dataset:
    """The dataset as `read_dataset` returns it, read in the connection's transaction."""
    attributes = stored_attributes.defined(connection)
    read = partial(table_on, connection, attributes)
    tables = {kind: read(kind, tutor_ids) for kind in kinds if kind != "students"}
    if "students" in kinds:
        sessions = tables["sessions"] if "sessions" in tables else read("sessions", tutor_ids)
        tables["students"] = read("students", tutor_ids and students_of(sessions))
    declared = connection.execute(select(dataset_facts)).first()
    for kind in set(KINDS) - {*tables}:
        tables[kind] = arrow_schema(kind, attributes).empty_table()
    in_order = {kind: tables[kind] for kind in KINDS}
    if declared is None:
        return Dataset(in_order, attributes)
    histories = None if declared.histories is None else tuple(Group(*group) for group in declared.histories)
    return Dataset(in_order, attributes, declared.departures_given, histories, declared.asked)


def students_of(sessions: pa.Table) -> list[str]:
    """Ids of the students of sessions. Collected here, since a join would read every session a second time."""
    ids: list[str] = pc.drop_null(pc.unique(sessions["student_id"])).to_pylist()
    return ids


def table_on(connection: Connection, attributes: tuple[Attribute, ...], kind: str, ids: Ids) -> pa.Table:
    """Rows of a kind sorted by key: all, or those about some tutors, for the kind `students` some students."""
    if ids is not None:
        return _selected(connection, attributes, kind, _OF_IDS.get(kind, _OWN), ids)
    # Sorted here, since the query would sort a whole marketplace on disk.
    return copy_out(connection, _select_all(kind, attributes), arrow_schema(kind, attributes)).sort_by(KINDS[kind].key)


def rows_on(connection: Connection, attributes: tuple[Attribute, ...], kind: str, keys: Sequence[str]) -> pa.Table:
    """Rows of a kind with these keys, sorted by key."""
    return _selected(connection, attributes, kind, f"t.{KINDS[kind].key} = ANY ({{ids}})", keys)


def _selected(
    connection: Connection, attributes: tuple[Attribute, ...], kind: str, condition: str, ids: Sequence[str]
) -> pa.Table:
    where = sql.SQL(condition).format(ids=sql.Literal(list(ids)))
    # Independent of the database's collation.
    query = sql.SQL(f'{{}} WHERE {{}} ORDER BY t.{KINDS[kind].key} COLLATE "C"').format(
        _select_all(kind, attributes), where
    )
    return copy_out(connection, query, arrow_schema(kind, attributes))


def _select_all(kind: str, attributes: tuple[Attribute, ...]) -> sql.SQL:
    return sql.SQL(f"SELECT {select_list(kind, attributes)} FROM {kind} AS t")
