"""Read what happened back into a Dataset: everything to train on, or a few tutors' history to answer a request."""

from collections.abc import Collection, Sequence

import pyarrow as pa
from psycopg2 import sql
from sqlalchemy import Connection, Engine, select

from domain.schema import KINDS
from features.dataset import Attribute, Dataset, arrow_schema
from store import attributes as stored_attributes
from store.copying import copy_out, select_list
from store.database import reading
from store.tables import dataset_facts

_OF_TUTORS = {
    "students": "t.student_id IN (SELECT s.student_id FROM sessions s WHERE s.tutor_id = ANY ({ids}))",
    "transcripts": "t.session_id IN (SELECT s.session_id FROM sessions s WHERE s.tutor_id = ANY ({ids}))",
}
_OWN = "t.tutor_id = ANY ({ids})"


def read_dataset(
    engine: Engine, tutor_ids: Sequence[str] | None = None, kinds: Collection[str] = tuple(KINDS)
) -> Dataset:
    """The dataset as stored, each table sorted by its key; kinds not asked for have no rows.

    With `tutor_ids`, only those tutors, what they did and the students of their sessions, read by index.
    All tables are of the same moment. Raises DatabaseUnavailable.
    """
    with reading(engine) as connection:
        attributes = stored_attributes.defined(connection)
        tables = {
            kind: _read(connection, kind, attributes, tutor_ids)
            if kind in kinds
            else arrow_schema(kind, attributes).empty_table()
            for kind in KINDS
        }
        departures_given = connection.execute(select(dataset_facts.c.departures_given)).scalar()
    return Dataset(tables, attributes, departures_given is not False)


def _read(
    connection: Connection, kind: str, attributes: tuple[Attribute, ...], tutor_ids: Sequence[str] | None
) -> pa.Table:
    query = sql.SQL("SELECT {} FROM {} AS t").format(select_list(kind, attributes), sql.Identifier(kind))
    if tutor_ids is not None:
        condition = sql.SQL(_OF_TUTORS.get(kind, _OWN)).format(ids=sql.Literal(list(tutor_ids)))
        query = sql.SQL("{} WHERE {}").format(query, condition)
    table = copy_out(connection, query, arrow_schema(kind, attributes))
    # Here rather than in the query: the same order whatever collation the database was made with.
    return table.sort_by(KINDS[kind].key)
