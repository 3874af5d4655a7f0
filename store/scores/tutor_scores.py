"""Newest scores, trends and next session of one tutor, read in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from domain.disclosure import Assignment, disclosed, withheld
from domain.score_kinds import SCORE_KINDS
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from store.contacts.assignments import assignments, assignments_sql
from store.db.async_statements import AsyncPool
from store.db.statements import Prepared

TREND_SPAN = timedelta(days=7)
"""Span of a trend: the difference to the value this long before."""

TREND_SLACK = timedelta(days=2)
"""Largest additional age of the earlier value of a trend."""

FAR = timedelta(days=365)
"""Latest start of a next session, from now."""

_KINDS = ", ".join(f"'{kind}'" for kind, described in SCORE_KINDS.items() if described.subject is SubjectKind.TUTOR)
# Two index probes per kind, independent of the length of the history, which `latest_scores` would read entirely.
_NOW = Prepared(
    "tutor_now",
    f"""
    SELECT next.session_id, next.starts_at, plan.assignments, score.*, before.value AS value_before
    FROM tutors
    LEFT JOIN LATERAL (
        SELECT session_id, starts_at
        FROM sessions
        WHERE sessions.tutor_id = tutors.tutor_id AND status = 'booked'
            AND starts_at >= $2 AND starts_at < $2 + interval '{FAR.days} days'
        ORDER BY starts_at, session_id LIMIT 1
    ) AS next ON true
    CROSS JOIN LATERAL ({assignments_sql("tutors.tutor_id", "$2")}) AS plan
    CROSS JOIN LATERAL (
        SELECT 'tutor' AS about, tutors.tutor_id AS id, unnest(ARRAY[{_KINDS}]) AS kind
        UNION ALL SELECT 'session', next.session_id, 'no_show'
    ) AS wanted
    LEFT JOIN LATERAL (
        SELECT
            subject_kind, subject_id, scores.kind, value, low, high, out_of, reasons, action, what_if, act_from,
            model_version, as_of
        FROM scores
        WHERE subject_kind = wanted.about AND subject_id = wanted.id AND scores.kind = wanted.kind
        ORDER BY scores.as_of DESC, scores.id DESC LIMIT 1
    ) AS score ON true
    LEFT JOIN LATERAL (
        SELECT value FROM scores
        WHERE subject_kind = wanted.about AND subject_id = wanted.id AND scores.kind = wanted.kind
            AND scores.as_of <= score.as_of - interval '{TREND_SPAN.days} days'
            AND scores.as_of >= score.as_of - interval '{(TREND_SPAN + TREND_SLACK).days} days'
        ORDER BY scores.as_of DESC, scores.id DESC LIMIT 1
    ) AS before ON true
    WHERE tutors.tutor_id = $1 AND tutors.erased_at IS NULL
""",
)


@dataclass(frozen=True)
class ScoreNow:
    """A score as it may be shown, with its difference to the value a week before; None without such a value."""

    score: Score
    trend: float | None


@dataclass(frozen=True)
class NextBooked:
    """The tutor's next booked session."""

    session_id: str
    starts_at: datetime


@dataclass(frozen=True)
class TutorNow:
    """The newest scores by kind, `no_show` that of the next session.

    `withheld` is the sentence in place of advice about the tutor's no-shows; None if advice may be shown.
    """

    scores: Mapping[ScoreKind, ScoreNow]
    next_session: NextBooked | None
    withheld: str | None


def tutor_now(engine: Engine, tutor_id: str, now: datetime) -> TutorNow | None:
    """Current scores of a tutor; None for an unknown id. Raises DatabaseUnavailable."""
    return _tutor_now(tutor_id, _NOW.ask(engine, tutor_id, now))


async def tutor_now_async(pool: AsyncPool, tutor_id: str, now: datetime) -> TutorNow | None:
    """Current scores of a tutor, read from an event loop. Raises DatabaseUnavailable."""
    return _tutor_now(tutor_id, await pool.ask(_NOW, tutor_id, now))


def _tutor_now(tutor_id: str, rows: Sequence[Any]) -> TutorNow | None:
    if not rows:
        return None
    planned = assignments(rows[0].assignments)
    scores = [_score_now(row, planned) for row in rows if row.value is not None]
    sentence = withheld(ScoreKind.HELP, tutor_id, planned)
    return TutorNow({now.score.kind: now for now in scores}, _next(rows[0]), sentence)


def _next(row: Any) -> NextBooked | None:
    return NextBooked(row.session_id, row.starts_at) if row.session_id is not None else None


def _score_now(row: Any, planned: Sequence[Assignment]) -> ScoreNow:
    score = score_of(row)
    trend = None if row.value_before is None else score.value - row.value_before
    return ScoreNow(disclosed(score, planned), trend)


def score_of(row: Any) -> Score:
    """Score from a row of `scores`."""
    return Score(
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        kind=row.kind,
        value=row.value,
        low=row.low,
        high=row.high,
        out_of=row.out_of,
        reasons=row.reasons or (),
        action=row.action,
        what_if=row.what_if,
        act_from=row.act_from,
        model_version=row.model_version,
        as_of=row.as_of,
    )
