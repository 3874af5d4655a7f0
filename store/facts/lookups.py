"""Lookups by id for the API, each by an index."""

from sqlalchemy import Engine, exists, select

from store.db.engine import reading
from store.schema.tables import sessions, students


def student_exists(engine: Engine, student_id: str) -> bool:
    """Return whether a student of this id exists. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return bool(connection.scalar(select(exists().where(students.c.student_id == student_id))))


def any_tutor(engine: Engine) -> str | None:
    """Id of any tutor with sessions; None without sessions. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return connection.scalar(select(sessions.c.tutor_id).limit(1))
