"""Short questions that the API asks by id; each is answered by an index."""

from sqlalchemy import Engine, exists, select

from store.db.engine import reading
from store.schema.tables import sessions, students


def student_exists(engine: Engine, student_id: str) -> bool:
    """Whether there is a student of that id. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return bool(connection.scalar(select(exists().where(students.c.student_id == student_id))))


def any_tutor(engine: Engine) -> str | None:
    """Some tutor with sessions; None where there is no session. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return connection.scalar(select(sessions.c.tutor_id).limit(1))
