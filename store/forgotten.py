"""Tutors who asked to be forgotten: who they are, and what else of them must go."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, text

from store.database import reading

_FORGOTTEN = text("SELECT id FROM latest_events WHERE kind = 'tutor' AND deleted")
# What was received stays, as proof that it was, but of what it says only of whom: one that could not be read may hold a
# name in any field. `body_sha256` still tells the same event again from another.
_WIPED = """
    jsonb_build_object(
        'id', body -> 'id', 'type', type, 'timestamp', body -> 'timestamp',
        'data', jsonb_build_object('tutor_id', body -> 'data' -> 'tutor_id')
    )
"""
_WIPE = text(f"""
    UPDATE inbox SET body = {_WIPED} WHERE type = 'tutor.updated' AND body -> 'data' ->> 'tutor_id' = ANY (:ids)
""")
_WIPE_PARKED = text(f"""
    UPDATE inbox SET body = {_WIPED} FROM latest_events AS l
    WHERE inbox.id = ANY (:rows) AND type = 'tutor.updated'
        AND l.kind = 'tutor' AND l.deleted AND l.id = body -> 'data' ->> 'tutor_id'
""")


def forgotten_tutors(engine: Engine) -> frozenset[str]:
    """The ids of tutors who asked to be forgotten; they are not scored. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return frozenset(connection.execute(_FORGOTTEN).scalars())


def wipe_events(connection: Connection, tutor_ids: Collection[str]) -> int:
    """Take names and addresses of these tutors out of the events received about them. Returns of how many."""
    if not tutor_ids:
        return 0
    return connection.execute(_WIPE, {"ids": list(tutor_ids)}).rowcount


def wipe_parked(connection: Connection, rows: Collection[int]) -> None:
    """The same of parked events by their rows, where their tutor is forgotten: they are never applied."""
    connection.execute(_WIPE_PARKED, {"rows": list(rows)})
