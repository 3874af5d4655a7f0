"""Log of score changes: a row for each score that differs from the last one logged, in order of commit."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from domain.changes import ScoreChange, says_more
from domain.scores import Score
from domain.vocabulary import Band, ScoreKind, SubjectKind
from store.db.statements import ask

_LOCK = 7_205_004
_PREVIOUS = text("""
    SELECT query.about, query.id, query.kind, newest.as_of, logged.value, logged.band
    FROM unnest(CAST(:about AS text[]), CAST(:ids AS text[]), CAST(:kinds AS text[])) AS query (about, id, kind)
    CROSS JOIN LATERAL latest_score(query.about, query.id, query.kind) AS newest
    LEFT JOIN LATERAL (
        SELECT value, band FROM score_changes AS c
        WHERE c.subject_kind = query.about AND c.subject_id = query.id AND c.kind = query.kind
        ORDER BY c.id DESC LIMIT 1
    ) AS logged ON true
""")
_TUTORS = text("SELECT session_id, tutor_id FROM sessions WHERE session_id = ANY (:ids)")
_NOTE = text("""
    INSERT INTO score_changes (
        tutor_id, subject_kind, subject_id, kind, value, band, previous_value, previous_band, model_version, as_of
    )
    SELECT r.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
        tutor_id text, subject_kind text, subject_id text, kind text, value double precision, band text,
        previous_value double precision, previous_band text, model_version text, as_of timestamptz
    )
""")
_COLUMNS = (
    "id, tutor_id, subject_kind, subject_id, kind, value, band, previous_value, previous_band, model_version, as_of"
)
_AFTER = text(f"""
    SELECT {_COLUMNS} FROM score_changes
    WHERE id > :after AND (CAST(:tutor_id AS text) IS NULL OR tutor_id = :tutor_id)
    ORDER BY id LIMIT :limit
""")
# Older changes, which retention keeps for comparison, do not make the log complete from there on.
_ENDS = text("""
    SELECT
        coalesce(greatest(min(id), (SELECT last_id + 1 FROM retention_marks WHERE name = 'changes')), 0) AS first,
        coalesce(max(id), 0) AS last
    FROM score_changes
""")

_Key = tuple[str, str, str]


def one_writer(connection: Connection) -> None:
    """Lock the log of changes until the transaction ends.

    Without the lock a change with a smaller id could be committed after a larger one was read, and be missed.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def note_changes(connection: Connection, scores: Sequence[Score]) -> None:
    """Log the scores, not stored yet, that differ from the last logged ones."""
    logged = _previous(connection, scores)
    changed = [(score, logged.get(_key(score))) for score in scores if _is_change(score, logged.get(_key(score)))]
    if not changed:
        return
    tutors = _tutors(connection, [score for score, _ in changed])
    rows = [_row(score, before, tutors[subject]) for score, before in changed if (subject := _key(score)[:2]) in tutors]
    connection.execute(_NOTE, {"rows": json.dumps(rows)})


def changes_after(engine: Engine, after: int, limit: int, tutor_id: str | None = None) -> list[ScoreChange]:
    """Changes with an id above `after`, oldest first, optionally of one tutor. Raises DatabaseUnavailable."""
    rows = ask(engine, _AFTER, {"after": after, "limit": limit, "tutor_id": tutor_id})
    return [_change(row._asdict()) for row in rows]


def changes_of(connection: Connection, after: int, limit: int) -> list[ScoreChange]:
    """Changes of all tutors with an id above `after`, oldest first, in the caller's transaction."""
    rows = connection.execute(_AFTER, {"after": after, "limit": limit, "tutor_id": None})
    return [_change(row._asdict()) for row in rows]


def ends_of_changes(engine: Engine) -> tuple[int, int]:
    """First and last id between which the log is complete; 0 without changes. Raises DatabaseUnavailable."""
    (row,) = ask(engine, _ENDS, {})
    return row.first, row.last


def _previous(connection: Connection, scores: Sequence[Score]) -> dict[_Key, Any]:
    keys = sorted({_key(score) for score in scores})
    about, ids, kinds = ([key[n] for key in keys] for n in range(3))
    rows = connection.execute(_PREVIOUS, {"about": about, "ids": ids, "kinds": kinds})
    return {(row.about, row.id, row.kind): row for row in rows}


def _key(score: Score) -> _Key:
    return (score.subject_kind.value, score.subject_id, score.kind.value)


def _is_change(score: Score, before: Any) -> bool:
    """Compare with the last logged score rather than the last score, so that slow drifts are logged too."""
    if before is None:
        return True
    if before.as_of > score.as_of:  # a score of the past is not the newest
        return False
    return before.band is None or says_more(score.kind, score.value, score.band, before.value, Band(before.band))


def _tutors(connection: Connection, scores: Iterable[Score]) -> Mapping[tuple[str, str], str]:
    """Tutor of each subject; unknown sessions are absent."""
    about = {_key(score)[:2]: score.subject_id for score in scores}
    tutors = {subject: name for subject, name in about.items() if subject[0] == SubjectKind.TUTOR}
    sessions = [name for subject, name in about.items() if subject[0] == SubjectKind.SESSION]
    if sessions:
        rows = connection.execute(_TUTORS, {"ids": sessions})
        tutors |= {(SubjectKind.SESSION.value, row.session_id): row.tutor_id for row in rows}
    return tutors


def _row(score: Score, before: Any, tutor_id: str) -> dict[str, Any]:
    return {
        "tutor_id": tutor_id,
        "subject_kind": score.subject_kind,
        "subject_id": score.subject_id,
        "kind": score.kind,
        "value": score.value,
        "band": score.band,
        "previous_value": before.value if before else None,
        "previous_band": before.band if before else None,
        "model_version": score.model_version,
        "as_of": score.as_of.isoformat(),
    }


def _change(fields: Mapping[str, Any]) -> ScoreChange:
    before = fields["previous_band"]
    return ScoreChange(
        **{
            **fields,
            "subject_kind": SubjectKind(fields["subject_kind"]),
            "kind": ScoreKind(fields["kind"]),
            "band": Band(fields["band"]),
            "previous_band": Band(before) if before else None,
        }
    )
