"""Arms of tutors on the days of their coming sessions: the facts that the rule of disclosure needs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from domain.disclosure import Assignment
from domain.horizons import UPCOMING
from domain.interventions import Arm
from store.db.statements import ask

_HOURS = UPCOMING.total_seconds() / 3600


def assignment_sql(session: str, risk: str) -> str:
    """SQL of the assignment of one session as a JSON object; no row where its day has no plan.

    `session` is the alias of a row with `session_id`, `tutor_id` and `starts_at`, `risk` an expression.
    """
    return f"""
        SELECT jsonb_build_object(
            'session_id', {session}.session_id, 'arm', assigned.arm, 'risk', {risk}, 'lowest_drawn', drawn.lowest
        ) AS assignment
        FROM contact_plans AS plan
        LEFT JOIN contacts AS assigned ON assigned.day = plan.day AND assigned.tutor_id = {session}.tutor_id
        LEFT JOIN LATERAL (
            SELECT min(riskiest) AS lowest FROM (
                SELECT max(contact_sessions.risk) AS riskiest
                FROM contacts JOIN contact_sessions ON contact_sessions.contact_id = contacts.id
                WHERE contacts.day = plan.day GROUP BY contacts.id
            ) AS of_tutors
        ) AS drawn ON true
        WHERE plan.day = ({session}.starts_at AT TIME ZONE 'UTC')::date
    """


def assignments_sql(tutor_id: str, since: str) -> str:
    """SQL of a tutor's assignments from a moment on as a JSON array, given two expressions; always one row.

    Lists are made for the next day, so no plan lies beyond the hours for which sessions are scored.
    """
    return f"""
        SELECT coalesce(jsonb_agg(planned.assignment), '[]'::jsonb) AS assignments
        FROM (
            SELECT * FROM sessions
            WHERE tutor_id = {tutor_id} AND status = 'booked'
                AND starts_at >= {since} AND starts_at < {since} + interval '{_HOURS} hours'
                AND (starts_at AT TIME ZONE 'UTC')::date IN (SELECT day FROM contact_plans)
            OFFSET 0  -- scores are looked up for sessions of planned days alone
        ) AS coming
        LEFT JOIN LATERAL latest_score('session', coming.session_id, 'no_show') AS newest ON true
        CROSS JOIN LATERAL ({assignment_sql("coming", "newest.value")}) AS planned
    """


_OF_TUTORS = text(f"""
    SELECT of.tutor_id, found.assignments
    FROM unnest(CAST(:tutor_ids AS text[])) AS of (tutor_id)
    CROSS JOIN LATERAL ({assignments_sql("of.tutor_id", "CAST(:since AS timestamptz)")}) AS found
""")


def assignments_of(engine: Engine, tutor_id: str, since: datetime) -> tuple[Assignment, ...]:
    """The assignments of a tutor's sessions from a moment on. Raises DatabaseUnavailable."""
    (row,) = ask(engine, _OF_TUTORS, {"tutor_ids": [tutor_id], "since": since})
    return assignments(row.assignments)


def assignments_by_tutor(
    connection: Connection, tutor_ids: Sequence[str], since: datetime
) -> Mapping[str, tuple[Assignment, ...]]:
    """The assignments of several tutors in the caller's transaction."""
    rows = connection.execute(_OF_TUTORS, {"tutor_ids": list(tutor_ids), "since": since})
    return {row.tutor_id: assignments(row.assignments) for row in rows}


def assignments(stored: Sequence[Mapping[str, Any]]) -> tuple[Assignment, ...]:
    """Assignments from the JSON of a query."""
    return tuple(map(assignment, stored))


def assignment(stored: Mapping[str, Any]) -> Assignment:
    """One assignment from the JSON of a query."""
    return Assignment(**{**stored, "arm": Arm(stored["arm"]) if stored["arm"] else None})
