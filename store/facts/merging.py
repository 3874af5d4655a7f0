"""Merge of one kind's rows into a table that holds rows: compare, count, write.

The rows are staged in a temporary table. A second one, `differing`, holds the key of each new row, and of each row
that differs from the stored one its merged content and which part of it may be written. Counts and writes both read
`differing`, so a check and an import cannot disagree.
"""

from collections.abc import Sequence

from psycopg2 import sql
from sqlalchemy import Connection

from domain.schema import KINDS
from store.db.copying import copy_in, cursor_of, identifiers
from store.facts.load_summary import KindSummary
from store.facts.merge_counts import DIFFERING, counted
from store.facts.merge_incoming import ATTRIBUTES_MOMENT, EXPORT_MOMENTS, Incoming

# Kind and id in `latest_events` of the events that write a kind's fields. No event changes students or messages; the
# latest event about a reschedule is stored under its session.
_EVENTS = {
    "tutors": ("tutor", "tutor_id"),
    "sessions": ("session", "session_id"),
    "reschedules": ("session", "session_id"),
    "transcripts": ("transcript", "session_id"),
}
_STAGE = sql.Identifier("incoming")


def compare(connection: Connection, incoming: Incoming) -> KindSummary:
    """Stage the rows, compare them with the stored ones and count. Leaves the temporary tables for `write`."""
    with cursor_of(connection) as cursor:
        create = sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA")
        columns, kind = identifiers(incoming.rows.column_names), sql.Identifier(incoming.kind)
        cursor.execute(create.format(_STAGE, columns, kind))
        copy_in(connection, "incoming", incoming.rows)
        values = {"names": list(incoming.attributes), "exported_at": incoming.exported_at}
        cursor.execute(_differing(incoming), values)
        return counted(cursor, incoming)


def write(connection: Connection, incoming: Incoming, summary: KindSummary) -> None:
    """Insert new rows and update changed ones, as determined by `compare`."""
    with cursor_of(connection) as cursor:
        values = {"exported_at": incoming.exported_at}
        if summary.new:
            cursor.execute(_insert(incoming), values)
        if summary.changed:
            cursor.execute(_update(incoming), values)


def drop(connection: Connection) -> None:
    """Drop the temporary tables."""
    with cursor_of(connection) as cursor:
        cursor.execute(sql.SQL("DROP TABLE {}, {}").format(_STAGE, DIFFERING))


def _differing(incoming: Incoming) -> sql.Composed:
    return sql.SQL("""
        CREATE TEMP TABLE {differing} ON COMMIT DROP AS
        SELECT m.*,
            NOT is_new AND fields_differ AND NOT fields_kept AND NOT broken AS writes_fields,
            NOT is_new AND attributes_differ AND NOT attributes_kept AND (fields_kept OR NOT broken)
                AS writes_attributes,
            NOT is_new AND broken AND NOT fields_kept AS conflicts
        FROM (
            SELECT i.{key} AS row_key, t.{key} IS NULL AS is_new, {merged}
                {fields_differ} AS fields_differ, {attributes_differ} AS attributes_differ,
                {fields_kept} AS fields_kept, {attributes_kept} AS attributes_kept, {broken} AS broken
            FROM {stage} AS i LEFT JOIN {kind} AS t ON t.{key} = i.{key} {events}
            WHERE t.{key} IS NULL OR {fields_differ} OR {attributes_differ}
        ) AS m
    """).format(
        differing=DIFFERING,
        stage=_STAGE,
        kind=sql.Identifier(incoming.kind),
        key=sql.Identifier(incoming.key),
        merged=sql.SQL("").join(
            sql.SQL("{} AS {}, ").format(_merged(incoming, name), sql.Identifier(name)) for name in _columns(incoming)
        ),
        fields_differ=_differ(incoming, incoming.merged),
        attributes_differ=_differ(incoming, ["attributes"] if incoming.attributes else []),
        fields_kept=_kept("l", EXPORT_MOMENTS.get(incoming.kind), incoming, incoming.kind in _EVENTS),
        attributes_kept=_kept("a", ATTRIBUTES_MOMENT, incoming, incoming.kind == "sessions"),
        broken=_broken(incoming),
        events=_events(incoming.kind),
    )


def _columns(incoming: Incoming) -> list[str]:
    return incoming.merged + (["attributes"] if incoming.attributes else [])


def _merged(incoming: Incoming, name: str) -> sql.Composable:
    """A column of the stored row `t` after the incoming row `i` is written."""
    if name == "attributes":
        return sql.SQL("(t.attributes - %(names)s::text[]) || i.attributes")
    if name == "scheduled_at" and name not in incoming.fields:
        # Derived: the booking or a later reschedule, also one that only the database contains.
        return sql.SQL("greatest(i.scheduled_at, CASE WHEN t.scheduled_at <> t.booked_at THEN t.scheduled_at END)")
    return sql.Identifier("i", name)


def _differ(incoming: Incoming, names: Sequence[str]) -> sql.Composable:
    if not names:
        return sql.SQL("false")
    stored = sql.SQL(", ").join(sql.Identifier("t", name) for name in names)
    merged = sql.SQL(", ").join(_merged(incoming, name) for name in names)
    return sql.SQL("ROW ({}) IS DISTINCT FROM ROW ({})").format(stored, merged)


def _events(kind: str) -> sql.Composable:
    """Joins of the latest events about a row: `l` about its fields, `a` about a session's attributes."""
    join = sql.SQL("LEFT JOIN latest_events AS {a} ON {a}.kind = {kind} AND {a}.id = {id} ")
    joins = []
    if kind in _EVENTS:
        about, key = _EVENTS[kind]
        joins.append(join.format(a=sql.Identifier("l"), kind=sql.Literal(about), id=sql.Identifier("i", key)))
    if kind == "sessions":
        about = sql.Literal("session attributes")
        joins.append(join.format(a=sql.Identifier("a"), kind=about, id=sql.Identifier("i", "session_id")))
    return sql.SQL("").join(joins)


def _kept(alias: str, moment: str | None, incoming: Incoming, by_events: bool) -> sql.Composable:
    """Condition that the stored row may be newer: an event not before the export, or a later export."""
    dated = incoming.exported_at is not None
    tests = []
    if by_events:
        test = "{}.happened_at >= %(exported_at)s" if dated else "{}.happened_at IS NOT NULL"
        tests.append(sql.SQL(test).format(sql.Identifier(alias)))
    if moment and incoming.kind in EXPORT_MOMENTS and (moment != ATTRIBUTES_MOMENT or incoming.kind == "sessions"):
        test = "t.{} > %(exported_at)s" if dated else "t.{} IS NOT NULL"
        tests.append(sql.SQL(test).format(sql.Identifier(moment)))
    return sql.SQL("coalesce({}, false)").format(sql.SQL(" OR ").join(tests)) if tests else sql.SQL("false")


def _broken(incoming: Incoming) -> sql.Composable:
    """Condition that a time from the file would be out of order with a stored one."""
    pairs = [
        (earlier, later)
        for earlier, later in KINDS[incoming.kind].ordered
        if (earlier in incoming.merged) is not (later in incoming.merged)
    ]
    if not pairs:
        return sql.SQL("false")
    tests = [
        sql.SQL("{} > {}").format(*(sql.Identifier("i" if n in incoming.merged else "t", n) for n in pair))
        for pair in pairs
    ]
    return sql.SQL("coalesce({}, false)").format(sql.SQL(" OR ").join(tests))


def _insert(incoming: Incoming) -> sql.Composed:
    columns, moments = incoming.rows.column_names, incoming.moments
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS i JOIN {} AS d ON d.row_key = i.{} WHERE d.is_new").format(
        sql.Identifier(incoming.kind),
        identifiers([*columns, *moments]),
        sql.SQL(", ").join(
            [*(sql.Identifier("i", name) for name in columns), *[sql.SQL("%(exported_at)s")] * len(moments)]
        ),
        _STAGE,
        DIFFERING,
        sql.Identifier(incoming.key),
    )


def _update(incoming: Incoming) -> sql.Composed:
    sets = [_set(name, sql.Identifier("d", name)) for name in _columns(incoming)]
    sets += [_set(name, sql.SQL("%(exported_at)s")) for name in incoming.moments]
    return sql.SQL("""
        UPDATE {} AS t SET {} FROM {} AS d WHERE d.row_key = t.{} AND (d.writes_fields OR d.writes_attributes)
    """).format(sql.Identifier(incoming.kind), sql.SQL(", ").join(sets), DIFFERING, sql.Identifier(incoming.key))


def _set(name: str, value: sql.Composable) -> sql.Composed:
    """Assignment that keeps the stored value unless its part of the row is written."""
    part = "attributes" if name in ("attributes", ATTRIBUTES_MOMENT) else "fields"
    return sql.SQL("{column} = CASE WHEN d.{writes} THEN {value} ELSE t.{column} END").format(
        column=sql.Identifier(name), writes=sql.Identifier(f"writes_{part}"), value=value
    )
