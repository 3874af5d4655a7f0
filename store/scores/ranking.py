"""Tutor profiles, sessions and upcoming sessions, read from the views of the schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, text

from domain.disclosure import withheld
from domain.interventions import Arm
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import ScoreKind, SessionStatus, SubjectKind
from store.contacts.assignments import assignment, assignment_sql
from store.db.engine import reading
from store.scores.records import reasons

# Erased tutors are kept for statistics and not shown.
NOT_ERASED = "tutor_id NOT IN (SELECT tutor_id FROM tutors WHERE erased_at IS NOT NULL)"
_PROFILE = text(f"SELECT * FROM tutor_profiles WHERE tutor_id = :tutor_id AND {NOT_ERASED}")
_SESSIONS = text("""
    SELECT * FROM tutor_sessions WHERE tutor_id = :tutor_id AND starts_at < :before
    ORDER BY starts_at DESC, session_id LIMIT :limit
""")
_UPCOMING = text(f"""
    SELECT upcoming_sessions.*, plan.assignment
    FROM upcoming_sessions LEFT JOIN LATERAL ({assignment_sql("upcoming_sessions", "no_show")}) AS plan ON true
    WHERE starts_at >= :after AND starts_at < :before AND {NOT_ERASED}
        AND (CAST(:tutor_id AS text) IS NULL OR tutor_id = :tutor_id)
    ORDER BY starts_at, session_id LIMIT :limit
""")


@dataclass(frozen=True)
class Risk:
    """A probability in 0..1 with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class TutorProfile:
    """Name, time zone and dates of a tutor."""

    tutor_id: str
    name: str
    timezone: str | None
    started_at: datetime | None
    departed_at: datetime | None


@dataclass(frozen=True)
class TutorSession:
    """A session as listed on a tutor's page."""

    session_id: str
    tutor_id: str
    student_id: str | None
    booked_at: datetime
    starts_at: datetime
    ends_at: datetime | None
    status: SessionStatus
    outcome_known_at: datetime | None
    initiated_by: str | None
    late_minutes: float | None
    rating: float | None


@dataclass(frozen=True)
class UpcomingSession:
    """A booked session with its newest no-show risk, and reasons and advice as they may be shown.

    The fields from `no_show` to `as_of` are None or empty before it is scored. `is_listed`: the tutor is to be
    contacted on the session's day. `withheld` is the sentence in place of reasons and advice; None if they may be
    shown.
    """

    session_id: str
    tutor_id: str
    tutor_name: str
    timezone: str | None
    student_id: str | None
    starts_at: datetime
    no_show: Risk | None
    reasons: tuple[Reason, ...]
    action: str | None
    what_if: WhatIf | None
    model_version: str | None
    as_of: datetime | None
    is_listed: bool
    withheld: str | None

    @property
    def score(self) -> Score | None:
        """The risk as a Score; None before the session is scored."""
        if self.no_show is None or self.model_version is None or self.as_of is None:
            return None
        return Score(
            subject_kind=SubjectKind.SESSION,
            subject_id=self.session_id,
            kind=ScoreKind.NO_SHOW,
            value=self.no_show.value,
            low=self.no_show.low,
            high=self.no_show.high,
            reasons=self.reasons,
            action=self.action,
            what_if=self.what_if,
            model_version=self.model_version,
            as_of=self.as_of,
        )


def tutor_profile(engine: Engine, tutor_id: str) -> TutorProfile | None:
    """Profile of a tutor; None for an unknown id. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        row = connection.execute(_PROFILE, {"tutor_id": tutor_id}).first()
    return TutorProfile(**row._mapping) if row else None


def tutor_sessions(engine: Engine, tutor_id: str, before: datetime, limit: int = 100) -> list[TutorSession]:
    """A tutor's last sessions that start before a moment, newest first. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        found = connection.execute(_SESSIONS, {"tutor_id": tutor_id, "before": before, "limit": limit})
        return [TutorSession(**{**row._mapping, "status": SessionStatus(row.status)}) for row in found]


def upcoming_sessions(
    engine: Engine, after: datetime, before: datetime, tutor_id: str | None = None, limit: int | None = None
) -> Sequence[UpcomingSession]:
    """Booked sessions that start in [after, before), optionally of one tutor, earliest first."""
    values = {"after": after, "before": before, "tutor_id": tutor_id, "limit": limit}
    with reading(engine) as connection:
        return [upcoming_session(row) for row in connection.execute(_UPCOMING, values)]


def _risk(row: Row[Any], name: str) -> Risk | None:
    fields = row._mapping
    if fields[name] is None:
        return None
    return Risk(fields[name], fields[f"{name}_low"], fields[f"{name}_high"])


def upcoming_session(row: Row[Any]) -> UpcomingSession:
    """Session from a row of the view `upcoming_sessions` with its `assignment`."""
    planned = assignment(row.assignment) if row.assignment else None
    sentence = withheld(ScoreKind.NO_SHOW, row.session_id, [planned] if planned else [])
    return UpcomingSession(
        row.session_id,
        row.tutor_id,
        row.tutor_name,
        row.timezone,
        row.student_id,
        row.starts_at,
        _risk(row, "no_show"),
        () if sentence else reasons(row.reasons),
        sentence or row.action,
        WhatIf(**row.what_if) if row.what_if and not sentence else None,
        row.model_version,
        row.as_of,
        planned is not None and planned.arm is Arm.CONTACT,
        sentence,
    )
