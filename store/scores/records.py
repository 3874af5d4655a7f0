"""Scores: appended, never changed, and read back as the newest or as they developed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, text

from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind
from store.db.engine import reading, writing
from store.facts.tombstones import without_erased
from store.schema.tables import scores as scores_table
from store.scores.changes import note_changes, one_writer

_COLUMNS = "subject_kind, subject_id, kind, value, low, high, reasons, action, what_if, act_from, model_version, as_of"
_LATEST = text(f"""
    SELECT {_COLUMNS} FROM latest_scores
    WHERE subject_kind = :subject_kind AND subject_id = :subject_id ORDER BY kind
""")
_HISTORY = text(f"""
    SELECT * FROM (
        SELECT {_COLUMNS}, id FROM score_history
        WHERE subject_kind = :subject_kind AND subject_id = :subject_id AND kind = :kind
        ORDER BY as_of DESC, id DESC LIMIT :limit
    ) newest ORDER BY as_of, id
""")


def append_scores(connection: Connection, scores: Sequence[Score]) -> None:
    """Append scores in the caller's transaction, and what of them is a change.

    Until that transaction ends nobody else appends: so the ids of changes are in the order in which they are seen.
    """
    if scores:
        one_writer(connection)
        scores = without_erased(connection, scores)
    if scores:
        note_changes(connection, scores)  # before the scores: it compares them with what was said last
        connection.execute(insert(scores_table), [score.model_dump(mode="python") for score in scores])


def save_scores(engine: Engine, scores: Sequence[Score]) -> None:
    """Append scores, all or none. Raises DatabaseUnavailable."""
    if scores:
        with writing(engine) as connection:
            append_scores(connection, scores)


def latest_scores(engine: Engine, subject_kind: SubjectKind, subject_id: str) -> list[Score]:
    """The newest score of each kind for one subject, sorted by kind; empty if it was never scored."""
    with reading(engine) as connection:
        found = connection.execute(_LATEST, {"subject_kind": subject_kind, "subject_id": subject_id})
        return [_score(row) for row in found]


def score_history(
    engine: Engine, subject_kind: SubjectKind, subject_id: str, kind: ScoreKind, limit: int = 1000
) -> list[Score]:
    """The last `limit` scores of one kind for one subject, oldest first."""
    asked = {"subject_kind": subject_kind, "subject_id": subject_id, "kind": kind, "limit": limit}
    with reading(engine) as connection:
        return [_score(row) for row in connection.execute(_HISTORY, asked)]


def last_sweep(engine: Engine) -> datetime | None:
    """The moment as of which tutors were last ranked; None before the first time."""
    with reading(engine) as connection:
        return connection.execute(text("SELECT as_of FROM last_sweep")).scalar()


def reasons(stored: list[dict[str, Any]] | None) -> tuple[Reason, ...]:
    """Reasons as they are kept in a score's JSON."""
    return tuple(Reason.model_validate(reason) for reason in stored or ())


def _score(row: Row[Any]) -> Score:
    fields = {name: row._mapping[name] for name in Score.model_fields}
    return Score(**fields | {"reasons": reasons(row.reasons)})
