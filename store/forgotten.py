"""Tutors who asked to be forgotten: who they are, and what else of them must go."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, text

from store.database import reading

_FORGOTTEN = text("SELECT id FROM latest_events WHERE kind = 'tutor' AND deleted")
# What was received stays, as proof that it was, but not the personal data in it. `body_sha256` still tells the same
# event again from another. Rejected and parked events are among those wiped.
_WIPE = text("""
    UPDATE inbox SET body = body #- '{data,name}' #- '{data,email}'
    WHERE type = 'tutor.updated' AND body -> 'data' ->> 'tutor_id' = ANY (:ids)
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
