"""Scores: append-only, read as the newest or as a history."""

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

_COLUMNS = (
    "subject_kind, subject_id, kind, value, low, high, out_of, reasons, action, what_if, act_from, model_version, as_of"
)
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


_SWEPT = text("SELECT EXISTS (SELECT FROM scores WHERE kind = 'help' AND as_of BETWEEN :begin AND :end)")


def append_scores(connection: Connection, scores: Sequence[Score]) -> None:
    """Append scores and their changes in the caller's transaction.

    No other transaction appends until it ends, so ids of changes increase in the order of commit.
    """
    if scores:
        one_writer(connection)
        scores = without_erased(connection, scores)
    if scores:
        note_changes(connection, scores)  # before the scores, as it compares them with the newest stored ones
        connection.execute(insert(scores_table), [score.model_dump(mode="python") for score in scores])


def save_scores(engine: Engine, scores: Sequence[Score]) -> None:
    """Append scores, all or none. Raises DatabaseUnavailable."""
    if scores:
        with writing(engine) as connection:
            append_scores(connection, scores)


def latest_scores(engine: Engine, subject_kind: SubjectKind, subject_id: str) -> list[Score]:
    """Newest score of each kind of one subject, sorted by kind; empty if never scored. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        rows = connection.execute(_LATEST, {"subject_kind": subject_kind, "subject_id": subject_id})
        return [_score(row) for row in rows]


def score_history(
    engine: Engine, subject_kind: SubjectKind, subject_id: str, kind: ScoreKind, limit: int = 1000
) -> list[Score]:
    """The last `limit` scores of one kind for one subject, oldest first. Raises DatabaseUnavailable."""
    values = {"subject_kind": subject_kind, "subject_id": subject_id, "kind": kind, "limit": limit}
    with reading(engine) as connection:
        return [_score(row) for row in connection.execute(_HISTORY, values)]


def last_sweep(engine: Engine) -> datetime | None:
    """As-of moment of the newest scores of tutors; None before the first. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return connection.execute(text("SELECT as_of FROM last_sweep")).scalar()


def swept_between(engine: Engine, begin: datetime, end: datetime) -> bool:
    """Returns True if tutors were scored as of a moment in [begin, end]. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return bool(connection.execute(_SWEPT, {"begin": begin, "end": end}).scalar())


def reasons(stored: list[dict[str, Any]] | None) -> tuple[Reason, ...]:
    """Reasons from the JSON of a stored score."""
    return tuple(Reason.model_validate(reason) for reason in stored or ())


def _score(row: Row[Any]) -> Score:
    fields = {name: row._mapping[name] for name in Score.model_fields}
    return Score(**fields | {"reasons": reasons(row.reasons)})
