"""All that is said of one tutor now, read with one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from domain.scores import Score
from domain.vocabulary import ScoreKind
from store.db.async_statements import AsyncPool
from store.db.statements import Prepared, ask

TREND_SPAN = timedelta(days=7)
"""A trend is the difference to the value so long before."""

TREND_SLACK = timedelta(days=2)
"""How much older the value may be with which it is compared."""

FAR = timedelta(days=365)
"""How far ahead the next session is looked for."""

_KINDS = ", ".join(f"'{kind}'" for kind in ScoreKind if kind is not ScoreKind.NO_SHOW)
# An index probe a kind and one more for its trend, whatever the history holds: `latest_scores` would read all of it.
_NOW = Prepared(
    "tutor_now",
    f"""
    SELECT next.session_id, next.starts_at, next.is_listed, score.*, before.value AS value_before
    FROM tutors
    LEFT JOIN LATERAL (
        SELECT
            session_id, starts_at,
            CASE WHEN EXISTS (SELECT 1 FROM contact_plans WHERE day = (starts_at AT TIME ZONE 'UTC')::date)
                THEN EXISTS (
                    SELECT 1 FROM contacts
                    WHERE day = (starts_at AT TIME ZONE 'UTC')::date AND contacts.tutor_id = tutors.tutor_id
                        AND arm = 'contact'
                )
            END AS is_listed
        FROM sessions
        WHERE sessions.tutor_id = tutors.tutor_id AND status = 'booked'
            AND starts_at >= $2 AND starts_at < $2 + interval '{FAR.days} days'
        ORDER BY starts_at, session_id LIMIT 1
    ) AS next ON true
    CROSS JOIN LATERAL (
        SELECT 'tutor' AS about, tutors.tutor_id AS id, unnest(ARRAY[{_KINDS}]) AS kind
        UNION ALL SELECT 'session', next.session_id, 'no_show'
    ) AS wanted
    LEFT JOIN LATERAL (
        SELECT
            subject_kind, subject_id, scores.kind, value, low, high, reasons, action, what_if, act_from, model_version,
            as_of
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
    """A score with its difference to the value a week before; None where there was none."""

    score: Score
    trend: float | None


@dataclass(frozen=True)
class NextBooked:
    """The tutor's next booked session.

    `is_listed` tells whether the tutor is on the contact list of its day, None where the day has none.
    """

    session_id: str
    starts_at: datetime
    is_listed: bool | None


@dataclass(frozen=True)
class TutorNow:
    """The newest scores by kind, `no_show` that of the next session."""

    scores: Mapping[ScoreKind, ScoreNow]
    next_session: NextBooked | None


def tutor_now(engine: Engine, tutor_id: str, now: datetime) -> TutorNow | None:
    """What is said of a tutor now; None for an id nobody has. Raises DatabaseUnavailable."""
    return _tutor_now(_NOW.ask(engine, tutor_id, now))


async def tutor_now_async(pool: AsyncPool, tutor_id: str, now: datetime) -> TutorNow | None:
    """The same from an event loop."""
    return _tutor_now(await pool.ask(_NOW, tutor_id, now))


def _tutor_now(rows: Sequence[Any]) -> TutorNow | None:
    if not rows:
        return None
    found = [_score_now(row) for row in rows if row.value is not None]
    return TutorNow({each.score.kind: each for each in found}, _next(rows[0]))


def _next(row: Any) -> NextBooked | None:
    return NextBooked(row.session_id, row.starts_at, row.is_listed) if row.session_id is not None else None


def _score_now(row: Any) -> ScoreNow:
    score = score_of(row)
    return ScoreNow(score, None if row.value_before is None else score.value - row.value_before)


def score_of(row: Any) -> Score:
    """A row of `scores`."""
    return Score(
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        kind=row.kind,
        value=row.value,
        low=row.low,
        high=row.high,
        reasons=row.reasons or (),
        action=row.action,
        what_if=row.what_if,
        act_from=row.act_from,
        model_version=row.model_version,
        as_of=row.as_of,
    )


def planned_days_without(engine: Engine, tutor_id: str, first: date, last: date) -> bool:
    """Whether a day from `first` to `last` has a contact list on which the tutor is not. Raises DatabaseUnavailable."""
    rows = ask(engine, _LEFT_OUT, {"tutor_id": tutor_id, "first": first, "last": last})
    return bool(rows[0][0])


_LEFT_OUT = text("""
    SELECT EXISTS (
        SELECT 1 FROM contact_plans
        WHERE day BETWEEN :first AND :last AND NOT EXISTS (
            SELECT 1 FROM contacts
            WHERE contacts.day = contact_plans.day AND contacts.tutor_id = :tutor_id AND arm = 'contact'
        )
    )
""")
