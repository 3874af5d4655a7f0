"""Histories of single tutors under a stamp: read once, then extended with the rows written since (ADR 15)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Row

from domain.schema import KINDS
from features.base.dataset import Dataset
from store.db.engine import reading
from store.db.statements import Prepared
from store.facts.history import HISTORY_KINDS, dataset_on, rows_on, students_of, table_on

OLDEST_EXTENDED = 2**30
"""Most transactions since a reading that is extended: the 32-bit number of a row's transaction wraps around."""

STAMP_OF_TUTOR = Prepared(
    "stamp_of_tutor", "SELECT tutor_id, history_stamp::text AS stamp FROM tutors WHERE tutor_id = $1"
)
STAMP_OF_SESSION = Prepared(
    "stamp_of_session",
    """
    SELECT tutor_id, history_stamp::text AS stamp FROM sessions JOIN tutors USING (tutor_id) WHERE session_id = $1
    """,
)
# A restored database may hold other rows under the same transaction numbers; its server has started since.
_STATE = """
    SELECT
        tutor_id, history_stamp::text AS stamp, pg_snapshot_xmin(pg_current_snapshot())::text AS oldest_running,
        ARRAY[
            (to_jsonb(tutors) - 'history_stamp')::text, (SELECT to_jsonb(d)::text FROM dataset_facts AS d),
            (SELECT jsonb_agg(to_jsonb(a) ORDER BY position)::text FROM attribute_definitions AS a),
            pg_postmaster_start_time()::text
        ] AS frame
        {more}
    FROM tutors WHERE tutor_id = $1
"""
_ROWS = {kind: f"{kind} AS t WHERE t.tutor_id = $1" for kind in ("sessions", "reschedules", "messages")} | {
    "students": "students AS t WHERE t.student_id = ANY ($3)"
}
_CHANGES = ", ".join(
    f"""
    (SELECT count(*) FROM {rows}) AS {kind},
    (SELECT array_agg({KINDS[kind].key}) FROM {rows} AND age(t.xmin) <= age(CAST($2 AS xid))) AS written_{kind}
    """
    for kind, rows in _ROWS.items()
)
_STATE_NOW = Prepared("history_state", _STATE.format(more=""))
_STATE_SINCE = Prepared("history_state_since", _STATE.format(more=f", {_CHANGES}"))


@dataclass(frozen=True)
class Stamp:
    """Version of a tutor's history: equal stamps mean equal histories."""

    tutor_id: str
    value: str


@dataclass(frozen=True)
class StampedHistory:
    """A tutor's history as of a snapshot of the database.

    Transactions before `oldest_running` had ended. `frame` are facts without rows of their own to read again: the
    tutor, what is declared about the dataset, the definitions of attributes, and the start of the database server.
    """

    stamp: Stamp
    dataset: Dataset
    oldest_running: int
    frame: Sequence[str | None]


def stamp_in(rows: Sequence[Any]) -> Stamp | None:
    """The stamp in the rows of a query of stamps; None without a row."""
    return Stamp(rows[0].tutor_id, rows[0].stamp) if rows else None


def stamp_of(engine: Engine, tutor_id: str) -> Stamp | None:
    """Current stamp of a tutor's history; None for an unknown tutor. Raises DatabaseUnavailable."""
    return stamp_in(STAMP_OF_TUTOR.ask(engine, tutor_id))


def stamp_around(engine: Engine, session_id: str) -> Stamp | None:
    """Current stamp of the history of a session's tutor; None for an unknown session.

    Raises DatabaseUnavailable.
    """
    return stamp_in(STAMP_OF_SESSION.ask(engine, session_id))


def read_stamped(engine: Engine, tutor_id: str, earlier: StampedHistory | None = None) -> StampedHistory | None:
    """A tutor's history, its tables sorted by key; None for an unknown tutor. Raises DatabaseUnavailable.

    Where an `earlier` reading can be extended, only the rows written since are read; other tables stay the same object.
    """
    with reading(engine) as connection:
        if earlier is None:
            rows = _STATE_NOW.ask_on(connection, tutor_id)
        else:
            students = earlier.dataset.tables["students"]["student_id"].to_pylist()
            rows = _STATE_SINCE.ask_on(connection, tutor_id, _since(earlier), students)
        if not rows:
            return None
        (now,) = rows
        extended = _extended(connection, now, earlier) if earlier else None
        dataset = extended or dataset_on(connection, [tutor_id], HISTORY_KINDS)
        return StampedHistory(Stamp(tutor_id, now.stamp), dataset, int(now.oldest_running), now.frame)


def _since(earlier: StampedHistory) -> str:
    return str(earlier.oldest_running % 2**32)


def _extended(connection: Connection, now: Row[Any], earlier: StampedHistory) -> Dataset | None:
    """The earlier dataset with the rows written since; None if a row or student has gone or the frame has changed.

    A row's `xmin` is the transaction that wrote it: if that one had ended before the earlier reading, the row is in it.
    """
    transactions = int(now.oldest_running) - earlier.oldest_running
    if list(now.frame) != list(earlier.frame) or not 0 <= transactions < OLDEST_EXTENDED:
        return None
    dataset, tables = earlier.dataset, dict(earlier.dataset.tables)
    for kind in _ROWS:
        written = now._mapping[f"written_{kind}"]
        if written and kind != "students":
            tables[kind] = _replaced(tables[kind], rows_on(connection, dataset.attributes, kind, written))
        if tables[kind].num_rows != now._mapping[kind]:
            return None
    if now.written_students or tables["sessions"] is not dataset.tables["sessions"]:
        tables["students"] = table_on(connection, dataset.attributes, "students", students_of(tables["sessions"]))
    return replace(dataset, tables=tables)


def _replaced(table: pa.Table, rows: pa.Table) -> pa.Table:
    """The table with these rows in place of those with the same key, the first column, sorted by key."""
    others = table.filter(pc.invert(pc.is_in(table[0], rows[0].combine_chunks())))
    return pa.concat_tables([others, rows]).sort_by(table.column_names[0]).combine_chunks()
