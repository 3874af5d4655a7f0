"""Load a dataset: all of it or nothing, and only what differs from what is there."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from domain.errors import InvalidDataset
from domain.schema import KINDS
from features.dataset import Dataset
from store import attributes as stored_attributes
from store.copying import as_rows, copy_in, cursor_of, identifiers
from store.database import reading, writing
from store.inbox_tables import inbox
from store.tables import dataset_facts, metadata

FACTS_LOCK = 7_205_002
"""Held by whoever writes what happened, an import or a batch of events: two could each miss the other's rows."""
_STAGE = "incoming"
# All of them: a new attribute is one of every tutor's.
_STAMP = text("UPDATE tutors SET history_stamp = gen_random_uuid()")


@dataclass(frozen=True)
class KindSummary:
    """What loading one kind did, in rows."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class LoadSummary:
    """What a load did, by kind."""

    kinds: Mapping[str, KindSummary]

    @property
    def new(self) -> int:
        """New rows of all kinds."""
        return sum(kind.new for kind in self.kinds.values())

    @property
    def changed(self) -> int:
        """Changed rows of all kinds."""
        return sum(kind.changed for kind in self.kinds.values())

    @property
    def unchanged(self) -> int:
        """Rows of all kinds that were there already, the same."""
        return sum(kind.unchanged for kind in self.kinds.values())


def load(engine: Engine, dataset: Dataset) -> LoadSummary:
    """Load every kind in one transaction: new keys are added, rows with other content replaced, the same left alone.

    Raises InvalidDataset if a row breaks a rule of the schema (nothing is loaded then), DatabaseUnavailable.
    """
    try:
        with writing(engine) as connection:
            # One load at a time: two could each find the other's rows missing.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": FACTS_LOCK})
            stored_attributes.define(connection, dataset.attributes)
            _note_facts(connection, dataset)
            summary = LoadSummary({kind: _load_kind(connection, kind, dataset) for kind in KINDS})
            connection.execute(_STAMP)
            return summary
    except (psycopg2.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, psycopg2.IntegrityError | psycopg2.DataError):
            raise
        raise InvalidDataset(f"{_in_words(cause)} Nothing was loaded.") from error


def _note_facts(connection: Connection, dataset: Dataset) -> None:
    if dataset.tables["tutors"].num_rows:  # a dataset without tutors says nothing of departures
        row = insert(dataset_facts).values(single=True, departures_given=dataset.departures_given)
        given = {"departures_given": row.excluded.departures_given}
        connection.execute(row.on_conflict_do_update(index_elements=["single"], set_=given))


def _load_kind(connection: Connection, kind: str, dataset: Dataset) -> KindSummary:
    rows = as_rows(kind, dataset.tables[kind], dataset.attributes)
    if not rows.num_rows:
        return KindSummary()
    table = metadata.tables[kind]
    if connection.execute(select(table).limit(1)).first() is None:
        with _without_indexes(connection, table):
            copy_in(connection, kind, rows)
        summary = KindSummary(new=rows.num_rows)
    else:
        summary = _merge(connection, kind, rows)
    if summary.new + summary.changed > summary.unchanged:
        connection.execute(text(f"ANALYZE {kind}"))  # else the planner would think a filled table empty for minutes
    return summary


@contextmanager
def _without_indexes(connection: Connection, table: Table) -> Iterator[None]:
    """Foreign keys checked and indexes built once at the end, a third quicker than row by row. For an empty table."""
    for constraint in table.foreign_key_constraints:
        connection.execute(DropConstraint(constraint))
    for index in table.indexes:
        connection.execute(DropIndex(index))
    yield
    for index in table.indexes:
        connection.execute(CreateIndex(index))
    for constraint in table.foreign_key_constraints:
        connection.execute(AddConstraint(constraint, isolate_from_table=False))


def _merge(connection: Connection, kind: str, rows: pa.Table) -> KindSummary:
    with cursor_of(connection) as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {columns} FROM {kind} WITH NO DATA").format(
                stage=sql.Identifier(_STAGE), columns=identifiers(rows.column_names), kind=sql.Identifier(kind)
            )
        )
        copy_in(connection, _STAGE, rows)
        cursor.execute(_merge_statement(kind, rows.column_names))
        new, changed = cursor.fetchone()
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(_STAGE)))
    return KindSummary(new, changed, rows.num_rows - new - changed)


def _merge_statement(kind: str, columns: list[str]) -> sql.Composed:
    """The join leaves unchanged rows out beforehand: ON CONFLICT alone would lock, and so rewrite, every row."""
    return sql.SQL("""
        WITH written AS (
            INSERT INTO {kind} AS t ({columns})
            SELECT {incoming} FROM {stage} AS i LEFT JOIN {kind} AS t ON t.{key} = i.{key}
            WHERE t.{key} IS NULL OR ({present}) IS DISTINCT FROM ({incoming})
            ON CONFLICT ({key}) DO UPDATE SET ({columns}) = ROW ({excluded})
            RETURNING (t.xmax = 0) AS is_new  -- xmax is set on a row version that replaced another
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written
    """).format(
        kind=sql.Identifier(kind),
        key=sql.Identifier(KINDS[kind].key),
        stage=sql.Identifier(_STAGE),
        columns=identifiers(columns),
        present=_qualified("t", columns),
        incoming=_qualified("i", columns),
        excluded=_qualified("excluded", columns),
    )


def _qualified(table: str, columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, column) for column in columns)


def _in_words(error: psycopg2.Error) -> str:
    where = f"{error.diag.table_name or 'dataset'}: {error.diag.message_primary}."
    return f"{where} {error.diag.message_detail}" if error.diag.message_detail else where


def record_import(
    engine: Engine,
    source: str,
    fingerprints: Mapping[str, str],
    summary: LoadSummary,
    now: datetime,
    rejected: int = 0,
) -> bool:
    """Write an import into the inbox: its source, the fingerprint of each file, and the counts.

    The fingerprints are its key: importing the same files again adds no row, and returns False.
    """
    key = hashlib.sha256(json.dumps([source, sorted(fingerprints.items())]).encode()).hexdigest()
    counts = {kind: asdict(counted) for kind, counted in summary.kinds.items()}
    body = {"files": dict(fingerprints), "loaded": counts, "rejected": rejected}
    row = insert(inbox).values(source=source, key=f"import:{key}", body=body, received_at=now, processed_at=now)
    with writing(engine) as connection:
        return connection.execute(row.on_conflict_do_nothing(index_elements=["key"])).rowcount == 1


def row_counts(engine: Engine) -> dict[str, int]:
    """How many rows of each kind there are."""
    with reading(engine) as connection:
        return {k: connection.execute(select(func.count()).select_from(metadata.tables[k])).scalar_one() for k in KINDS}
