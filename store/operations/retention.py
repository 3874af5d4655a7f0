"""Deletion of rows older than their retention period, in batches of bounded size.

A sweep can be stopped at any time: finished batches stay deleted, and the next sweep continues. Deleted rows cannot be
restored.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection, Engine, TextClause, text

from domain.retention import Kept, Periods
from store.db.engine import answering, reading, writing

BATCH = 5000
"""Largest number of rows per transaction: each takes a fraction of a second, so that its locks block nobody."""

_PURPOSE = text("SELECT set_config('tqs.purpose', 'retention', true)")

# The row stays, with its key and fingerprint, so that a repeated event is recognized.
_EVENT_BODIES = text("""
    UPDATE inbox SET body = '{}'::jsonb WHERE id IN (
        SELECT id FROM inbox
        WHERE processed_at < :before AND type IS NOT NULL AND body <> '{}'::jsonb
        ORDER BY processed_at LIMIT :batch
    )
""")
# The newest change of each tutor and kind stays: the next score is compared with it. So does the newest of all.
_CHANGES = text("""
    WITH gone AS (
        DELETE FROM score_changes WHERE id IN (
            SELECT id FROM score_changes AS c
            WHERE created_at < :before AND id < (SELECT max(id) FROM score_changes) AND (
                subject_kind = 'session' OR EXISTS (
                    SELECT 1 FROM score_changes AS later
                    WHERE later.subject_kind = c.subject_kind AND later.subject_id = c.subject_id
                        AND later.kind = c.kind AND later.id > c.id
                )
            )
            ORDER BY id LIMIT :batch
        )
        RETURNING id
    )
    INSERT INTO retention_marks (name, last_id) SELECT 'changes', max(id) FROM gone HAVING count(*) > 0
    ON CONFLICT (name) DO UPDATE SET last_id = greatest(retention_marks.last_id, excluded.last_id)
    RETURNING (SELECT count(*) FROM gone)
""")
_DELIVERIES = text("""
    WITH old AS (
        SELECT id FROM outgoing_messages
        WHERE channel = 'webhook' AND created_at < :before AND status <> 'pending'
        ORDER BY created_at LIMIT :batch
    ), attempts AS (DELETE FROM delivery_attempts WHERE message_id IN (SELECT id FROM old))
    DELETE FROM outgoing_messages WHERE id IN (SELECT id FROM old)
""")
# The row stays, with its key: no mail is sent under a key that was used.
_MAILS = text("""
    UPDATE outgoing_messages SET
        attachment = NULL,
        body = body || '{"subject": "(removed)", "text": "", "html": null, "attachment_name": null}'
    WHERE id IN (
        SELECT id FROM outgoing_messages
        WHERE channel = 'mail' AND created_at < :before AND status IN ('delivered', 'failed') AND body ->> 'text' <> ''
        ORDER BY id LIMIT :batch
    )
""")
_AUDIT = text("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < :before ORDER BY at LIMIT :batch)")
_SHADOW_SCORES = text("""
    DELETE FROM shadow_scores WHERE id IN (
        SELECT id FROM shadow_scores WHERE created_at < :before ORDER BY created_at LIMIT :batch
    )
""")
# The newest run of each flow stays, as does the newest scheduled and the newest of each outcome: alarms read them.
_RUNS = text("""
    DELETE FROM flow_runs WHERE id IN (
        SELECT id FROM flow_runs AS run
        WHERE started_at < :before AND EXISTS (
            SELECT 1 FROM flow_runs AS later
            WHERE later.flow = run.flow AND later.started_at > run.started_at
                AND later.scheduled = run.scheduled AND later.outcome IS NOT DISTINCT FROM run.outcome
        )
        LIMIT :batch
    )
""")
# The last score of each day (UTC), subject and kind stays.
_DAY_OF_SCORES = text("""
    DELETE FROM scores WHERE id IN (
        SELECT s.id FROM scores AS s
        WHERE s.kind = :kind AND s.as_of >= :day AND s.as_of < :next AND s.created_at < :before AND EXISTS (
            SELECT 1 FROM scores AS later
            WHERE later.subject_kind = s.subject_kind AND later.subject_id = s.subject_id AND later.kind = s.kind
                AND (later.as_of, later.id) > (s.as_of, s.id) AND later.as_of < :next
        )
        LIMIT :batch
    )
""")
_FIRST_OF_KINDS = text("SELECT kind, min(as_of) AS first FROM scores GROUP BY kind")
_MARK = text("SELECT done_before FROM retention_marks WHERE name = :name")
_SET_MARK = text("""
    INSERT INTO retention_marks (name, done_before) VALUES (:name, :moment)
    ON CONFLICT (name) DO UPDATE SET done_before = excluded.done_before
""")

_BY_KIND: Mapping[Kept, tuple[str, TextClause]] = MappingProxyType(
    {
        Kept.EVENT_BODIES: ("inbox", _EVENT_BODIES),
        Kept.CHANGES: ("score_changes", _CHANGES),
        Kept.DELIVERIES: ("outgoing_messages", _DELIVERIES),
        Kept.MAILS: ("outgoing_messages", _MAILS),
        Kept.AUDIT: ("audit", _AUDIT),
        Kept.SHADOW_SCORES: ("shadow_scores", _SHADOW_SCORES),
        Kept.RUNS: ("flow_runs", _RUNS),
    }
)


def sweep(engine: Engine, periods: Periods, now: datetime, batch: int = BATCH) -> dict[Kept, int]:
    """Delete rows older than their period. Returns the number of deleted or emptied rows by kind.

    Their space is returned to the tables and reused by later rows. Raises DatabaseUnavailable.
    """
    removed = {
        kind: _in_batches(engine, statement, {"before": now - periods[kind], "batch": batch})
        for kind, (_, statement) in _BY_KIND.items()
        if kind in periods
    }
    if Kept.SCORES in periods:
        removed[Kept.SCORES] = _thin_scores(engine, now - periods[Kept.SCORES], batch)
    tables = {kind: table for kind, (table, _) in _BY_KIND.items()} | {Kept.SCORES: "scores"}
    _vacuum(engine, [tables[kind] for kind, count in removed.items() if count])
    return removed


def _in_batches(engine: Engine, statement: TextClause, values: Mapping[str, object]) -> int:
    total = 0
    while count := _one_batch(engine, lambda connection: _count(connection, statement, values)):
        total += count
    return total


def _one_batch(engine: Engine, work: Callable[[Connection], int]) -> int:
    with writing(engine) as connection:
        connection.execute(_PURPOSE)
        return work(connection)


def _count(connection: Connection, statement: TextClause, values: Mapping[str, object]) -> int:
    """Number of deleted rows: returned by the statement, otherwise its row count."""
    result = connection.execute(statement, values)
    return int(result.scalar() or 0) if result.returns_rows else result.rowcount


def _thin_scores(engine: Engine, before: datetime, batch: int) -> int:
    """Thin whole days before a moment, oldest first. Finished days are not read again."""
    end = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with reading(engine) as connection:
        first = {row.kind: row.first for row in connection.execute(_FIRST_OF_KINDS)}
        done = {kind: connection.execute(_MARK, {"name": f"scores {kind}"}).scalar() for kind in first}
    return sum(_thin_kind(engine, kind, done[kind] or first[kind], end, before, batch) for kind in first)


def _thin_kind(engine: Engine, kind: str, begin: datetime, end: datetime, before: datetime, batch: int) -> int:
    day, total = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0), 0
    while day < end:
        following = day + timedelta(days=1)
        values = {"kind": kind, "day": day, "next": following, "before": before, "batch": batch}
        total += _in_batches(engine, _DAY_OF_SCORES, values)
        day = following
        with writing(engine) as connection:
            connection.execute(_SET_MARK, {"name": f"scores {kind}", "moment": day})
    return total


def _vacuum(engine: Engine, tables: list[str]) -> None:
    with answering(engine), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"VACUUM (ANALYZE) {table}"))
