"""Moments of the exports that last wrote records which events also write."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, text

_EXPORTED = text("""
    SELECT 'session' AS kind, session_id AS id, exported_at FROM sessions
        WHERE session_id = ANY (:sessions) AND exported_at IS NOT NULL
    UNION ALL SELECT 'session attributes', session_id, attributes_exported_at FROM sessions
        WHERE session_id = ANY (:sessions) AND attributes_exported_at IS NOT NULL
    UNION ALL SELECT 'tutor', tutor_id, exported_at FROM tutors
        WHERE tutor_id = ANY (:tutors) AND exported_at IS NOT NULL
    UNION ALL SELECT 'transcript', session_id, exported_at FROM transcripts
        WHERE session_id = ANY (:transcripts) AND exported_at IS NOT NULL
""")


def export_moments(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
    """Moment of the export that last wrote each record, by kind and id as in `latest_events`; others are absent."""
    rows = connection.execute(_EXPORTED, _by_kind(keys))
    return {(row.kind, row.id): row.exported_at for row in rows}


def _by_kind(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Ids by kind of record that exports write."""
    ids: dict[str, list[str]] = {"sessions": [], "tutors": [], "transcripts": []}
    for kind, name in keys:
        ids.get(f"{kind}s", []).append(name)
    return ids
