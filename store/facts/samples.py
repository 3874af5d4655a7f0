"""Deterministic sample of tutors."""

from sqlalchemy import Engine, text

from store.db.engine import reading

_SAMPLE = text("SELECT tutor_id FROM tutors ORDER BY md5(tutor_id) LIMIT :limit")


def sample_of_tutors(engine: Engine, limit: int) -> list[str]:
    """Ids of at most `limit` tutors, the same ones on each call. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return list(connection.execute(_SAMPLE, {"limit": limit}).scalars())
