"""Reading of facts into a Dataset: everything for training, or the history of a few tutors for a request."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from sqlalchemy import Connection, Engine, Row, select

from domain.schema import KINDS
from features.base.dataset import Attribute, Dataset, arrow_schema
from store.db.copying import copy_out, select_list
from store.db.engine import reading
from store.db.statements import Prepared
from store.facts import attributes as stored_attributes
from store.schema.tables import dataset_facts

HISTORY_KINDS = ("tutors", "students", "sessions", "reschedules", "messages")
"""Kinds from which columns are computed: all except transcripts."""

_OF_IDS = {
    "students": "t.student_id = ANY ({ids})",
    "transcripts": "t.session_id IN (SELECT s.session_id FROM sessions s WHERE s.tutor_id = ANY ({ids}))",
}
_OWN = "t.tutor_id = ANY ({ids})"
_OF_TUTOR = Prepared(
    "history_of_tutor", "SELECT tutor_id, history_stamp::text AS stamp FROM tutors WHERE tutor_id = $1"
)
_OF_SESSION = Prepared(
    "history_of_session",
    """
    SELECT tutor_id, history_stamp::text AS stamp FROM sessions JOIN tutors USING (tutor_id) WHERE session_id = $1
    """,
)

Ids = Sequence[str] | None


def read_dataset(engine: Engine, tutor_ids: Ids = None, kinds: Collection[str] = tuple(KINDS)) -> Dataset:
    """The dataset as stored, each table sorted by its key; kinds that are not requested have no rows.

    With `tutor_ids`, only rows about those tutors and the students of their sessions, read by index. All tables are
    read in one snapshot. Raises DatabaseUnavailable.
    """
    with reading(engine) as connection:
        return _dataset(connection, tutor_ids, kinds)


@dataclass(frozen=True)
class Stamp:
    """Version of a tutor's history: equal stamps mean equal histories."""

    tutor_id: str
    value: str


def stamp_of(engine: Engine, tutor_id: str) -> Stamp | None:
    """Current stamp of a tutor's history; None for an unknown tutor. Raises DatabaseUnavailable."""
    return _stamp(_OF_TUTOR.ask(engine, tutor_id))


def stamp_around(engine: Engine, session_id: str) -> Stamp | None:
    """Current stamp of the history of a session's tutor; None for an unknown session.

    Raises DatabaseUnavailable.
    """
    return _stamp(_OF_SESSION.ask(engine, session_id))


def read_stamped(engine: Engine, tutor_id: str) -> tuple[Stamp, Dataset] | None:
    """A tutor's history and its stamp, read in one snapshot; None for an unknown tutor. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        stamp = _stamp(_OF_TUTOR.ask_on(connection, tutor_id))
        return None if stamp is None else (stamp, _dataset(connection, [tutor_id], HISTORY_KINDS))


def _stamp(rows: Sequence[Row[Any]]) -> Stamp | None:
    return Stamp(rows[0].tutor_id, rows[0].stamp) if rows else None


def _dataset(connection: Connection, tutor_ids: Ids, kinds: Collection[str]) -> Dataset:
    attributes = stored_attributes.defined(connection)
    read = partial(_read, connection, attributes)
    tables = {kind: read(kind, tutor_ids) for kind in kinds if kind != "students"}
    if "students" in kinds:
        sessions = tables["sessions"] if "sessions" in tables else read("sessions", tutor_ids)
        tables["students"] = read("students", tutor_ids and _students_of(sessions))
    departures_given = connection.execute(select(dataset_facts.c.departures_given)).scalar()
    for kind in set(KINDS) - {*tables}:
        tables[kind] = arrow_schema(kind, attributes).empty_table()
    in_order = {kind: tables[kind] for kind in KINDS}
    return Dataset(in_order, attributes, departures_given is not False)


def _students_of(sessions: pa.Table) -> list[str]:
    """Ids of the students of sessions. Collected here, since a join would read every session a second time."""
    ids: list[str] = pc.drop_null(pc.unique(sessions["student_id"])).to_pylist()
    return ids


def _read(connection: Connection, attributes: tuple[Attribute, ...], kind: str, ids: Ids) -> pa.Table:
    select_all = sql.SQL(f"SELECT {select_list(kind, attributes)} FROM {kind} AS t")
    schema, key = arrow_schema(kind, attributes), KINDS[kind].key
    if ids is None:
        # Sorted here, since the query would sort a whole marketplace on disk.
        return copy_out(connection, select_all, schema).sort_by(key)
    condition = sql.SQL(_OF_IDS.get(kind, _OWN)).format(ids=sql.Literal(list(ids)))
    # Independent of the database's collation.
    query = sql.SQL(f'{{}} WHERE {{}} ORDER BY t.{key} COLLATE "C"').format(select_all, condition)
    return copy_out(connection, query, schema)
