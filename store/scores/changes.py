"""What changed in the scores: a row for each score that says something new, in the order in which they are seen."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from domain.changes import Change, says_more
from domain.scores import Score
from domain.vocabulary import Band, ScoreKind, SubjectKind
from store.db.statements import ask

_LOCK = 7_205_004
_PREVIOUS = text("""
    SELECT asked.about, asked.id, asked.kind, newest.as_of, told.value, told.band
    FROM unnest(CAST(:about AS text[]), CAST(:ids AS text[]), CAST(:kinds AS text[])) AS asked (about, id, kind)
    CROSS JOIN LATERAL latest_score(asked.about, asked.id, asked.kind) AS newest
    LEFT JOIN LATERAL (
        SELECT value, band FROM score_changes AS c
        WHERE c.subject_kind = asked.about AND c.subject_id = asked.id AND c.kind = asked.kind
        ORDER BY c.id DESC LIMIT 1
    ) AS told ON true
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
# Older changes that retention kept, for comparing with, do not make the list complete from there on.
_ENDS = text("""
    SELECT
        coalesce(greatest(min(id), (SELECT last_id + 1 FROM retention_marks WHERE name = 'changes')), 0) AS first,
        coalesce(max(id), 0) AS last
    FROM score_changes
""")

_Key = tuple[str, str, str]


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction writes changes; none can until this one ends.

    Without it a change with a smaller id could be committed after a larger one was read, and be missed.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def note_changes(connection: Connection, scores: Sequence[Score]) -> None:
    """Write down which of these scores, not stored yet, say something else than the newest stored ones."""
    said = _previous(connection, scores)
    changed = [(score, said.get(_key(score))) for score in scores if _is_change(score, said.get(_key(score)))]
    if not changed:
        return
    tutors = _tutors(connection, [score for score, _ in changed])
    rows = [_row(score, before, tutors[subject]) for score, before in changed if (subject := _key(score)[:2]) in tutors]
    connection.execute(_NOTE, {"rows": json.dumps(rows)})


def changes_after(engine: Engine, after: int, limit: int, tutor_id: str | None = None) -> list[Change]:
    """The changes with an id above `after`, the oldest first; of one tutor if given. Raises DatabaseUnavailable."""
    rows = ask(engine, _AFTER, {"after": after, "limit": limit, "tutor_id": tutor_id})
    return [_change(row._asdict()) for row in rows]


def changes_of(connection: Connection, after: int, limit: int) -> list[Change]:
    """The same in the caller's transaction, of all tutors."""
    rows = connection.execute(_AFTER, {"after": after, "limit": limit, "tutor_id": None})
    return [_change(row._asdict()) for row in rows]


def ends_of_changes(engine: Engine) -> tuple[int, int]:
    """The ids between which every change is kept, 0 where there is none. Raises DatabaseUnavailable."""
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
    """Against what was told last, not against the score before: what creeps is told, too."""
    if before is None:
        return True
    if before.as_of > score.as_of:  # of the past: it is not what is said now
        return False
    return before.band is None or says_more(score.value, score.band, before.value, Band(before.band))


def _tutors(connection: Connection, scores: Iterable[Score]) -> Mapping[tuple[str, str], str]:
    """The tutor of each subject; a session nobody knows is nobody's."""
    about = {_key(score)[:2]: score.subject_id for score in scores}
    found = {subject: name for subject, name in about.items() if subject[0] == SubjectKind.TUTOR}
    sessions = [name for subject, name in about.items() if subject[0] == SubjectKind.SESSION]
    if sessions:
        rows = connection.execute(_TUTORS, {"ids": sessions})
        found |= {(SubjectKind.SESSION.value, row.session_id): row.tutor_id for row in rows}
    return found


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


def _change(fields: Mapping[str, Any]) -> Change:
    before = fields["previous_band"]
    return Change(
        **{
            **fields,
            "subject_kind": SubjectKind(fields["subject_kind"]),
            "kind": ScoreKind(fields["kind"]),
            "band": Band(fields["band"]),
            "previous_band": Band(before) if before else None,
        }
    )
