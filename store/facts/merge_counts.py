"""Counts of a merge, read from the temporary table `differing` before anything is written."""

from typing import Any

from psycopg2 import sql

from store.facts.load_summary import FieldChanges, KindSummary
from store.facts.merge_incoming import Incoming

DIFFERING = sql.Identifier("differing")
_EXAMPLES = 3
_FATES = {
    "new": "is_new",
    "changed": "writes_fields OR writes_attributes",
    "left_alone": "NOT (is_new OR conflicts OR writes_fields OR writes_attributes)",
    "conflicting": "conflicts",
}


def counted(cursor: Any, incoming: Incoming) -> KindSummary:
    """Count the rows of `differing` and the changes by field, with a few example keys per count."""
    cursor.execute(
        sql.SQL("""
            SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE {changed}),
                count(*) FILTER (WHERE {left_alone}), count(*) FILTER (WHERE {conflicting})
            FROM {differing}
        """).format(differing=DIFFERING, **{name: sql.SQL(text) for name, text in _FATES.items()})
    )
    new, changed, left_alone, conflicting = cursor.fetchone()
    counts = {"new": new, "changed": changed, "left_alone": left_alone, "conflicting": conflicting}
    return KindSummary(
        **counts,
        unchanged=incoming.rows.num_rows - sum(counts.values()),
        fields=_field_changes(cursor, incoming) if changed else {},
        examples={name: _examples(cursor, name) for name, count in counts.items() if count},
    )


def _examples(cursor: Any, fate: str) -> tuple[str, ...]:
    query = sql.SQL("SELECT row_key FROM {} WHERE {} ORDER BY 1 LIMIT {}")
    cursor.execute(query.format(DIFFERING, sql.SQL(_FATES[fate]), sql.Literal(_EXAMPLES)))
    return tuple(key for (key,) in cursor)


def _field_changes(cursor: Any, incoming: Incoming) -> dict[str, FieldChanges]:
    """Changes of each field and attribute (`attributes.NAME`) that changes at all."""
    parts = {name: ("writes_fields", *(sql.Identifier(a, name) for a in "td")) for name in incoming.merged}
    for name in incoming.attributes:
        values = (sql.SQL("{}.attributes ->> {}").format(sql.Identifier(a), sql.Literal(name)) for a in "td")
        parts[f"attributes.{name}"] = ("writes_attributes", *values)
    query = sql.SQL("SELECT {} FROM {} AS d JOIN {} AS t ON t.{} = d.row_key WHERE NOT d.is_new")
    counts = sql.SQL(", ").join(_count(*part) for part in parts.values())
    cursor.execute(query.format(counts, DIFFERING, sql.Identifier(incoming.kind), sql.Identifier(incoming.key)))
    found = iter(cursor.fetchone())
    changes = {name: FieldChanges(next(found), next(found), next(found)) for name in parts}
    return {name: change for name, change in changes.items() if change != FieldChanges()}


def _count(writes: str, stored: sql.Composable, merged: sql.Composable) -> sql.Composed:
    return sql.SQL("""
        count(*) FILTER (WHERE d.{writes} AND {stored} IS NULL AND {merged} IS NOT NULL),
        count(*) FILTER (WHERE d.{writes} AND {stored} IS NOT NULL AND {merged} IS NULL),
        count(*) FILTER (WHERE d.{writes} AND {stored} <> {merged})
    """).format(writes=sql.Identifier(writes), stored=stored, merged=merged)
