"""Upcoming sessions by risk, with their contact assignment and the measured effects of contacts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from domain.interventions import Effect
from store.contacts.assignments import assignment_sql
from store.contacts.records import MeasuredEffects, measured_effects
from store.db.statements import ask
from store.scores.ranking import NOT_ERASED, UpcomingSession, upcoming_session, upcoming_sessions


@dataclass(frozen=True)
class Upcoming:
    """Sessions, riskiest first and unscored ones last, with the measured effects of contacts, if any."""

    sessions: tuple[UpcomingSession, ...]
    effects: MeasuredEffects | None

    def effect_on(self, session: UpcomingSession) -> Effect | None:
        """Measured effect of the action recommended for a session; None before the first measurement."""
        return self.effect_of(session.action)

    def effect_of(self, action: str | None) -> Effect | None:
        """Measured effect of an action; None before the first measurement."""
        return self.effects.of(action) if self.effects else None


def upcoming(engine: Engine, after: datetime, before: datetime, tutor_id: str | None = None) -> Upcoming:
    """The booked sessions that start in [after, before), optionally of one tutor. Raises DatabaseUnavailable."""
    sessions = sorted(upcoming_sessions(engine, after, before, tutor_id), key=_by_risk)
    return Upcoming(tuple(sessions), measured_effects(engine))


@dataclass(frozen=True)
class UpcomingPageStart:
    """The session before a page: its risk, None if unscored, its start and its id."""

    risk: float | None
    starts_at: datetime
    session_id: str


def upcoming_page(
    engine: Engine, after: datetime, before: datetime, least: float | None, limit: int, place: UpcomingPageStart | None
) -> tuple[Upcoming, int]:
    """At most `limit` of the sessions that start in [after, before), and their number on all pages.

    With `least`, only sessions with at least this risk; without it, also unscored ones. Raises DatabaseUnavailable.
    """
    values = {"after": after, "before": before, "least": least, "limit": limit}
    beyond = "true" if place is None else _BEYOND
    values |= {} if place is None else {"place_risk": _order_of(place.risk), **_rest_of(place)}
    rows = ask(engine, text(_PAGE.format(beyond=beyond)), values)
    page = Upcoming(tuple(upcoming_session(row) for row in rows), measured_effects(engine))
    return page, rows[0].total if rows else 0


# Sorted and counted in the database; only the page is sent, with its reasons.
_PAGE = f"""
    SELECT scored.*, plan.assignment FROM (
        SELECT *, coalesce(-no_show, 1) AS place_risk, count(*) OVER () AS total
        FROM upcoming_sessions
        WHERE starts_at >= :after AND starts_at < :before AND {NOT_ERASED}
            AND (CAST(:least AS double precision) IS NULL OR no_show >= :least)
    ) AS scored
    LEFT JOIN LATERAL ({assignment_sql("scored", "scored.no_show")}) AS plan ON true
    WHERE {{beyond}}
    ORDER BY place_risk, starts_at, session_id
    LIMIT :limit
"""
_BEYOND = "(place_risk, starts_at, session_id) > (:place_risk, :place_starts_at, :place_session_id)"


def _rest_of(place: UpcomingPageStart) -> dict[str, Any]:
    return {"place_starts_at": place.starts_at, "place_session_id": place.session_id}


def _by_risk(session: UpcomingSession) -> tuple[float, datetime, str]:
    risk = session.no_show.value if session.no_show else None
    return (_order_of(risk), session.starts_at, session.session_id)


def _order_of(risk: float | None) -> float:
    """Sort key: riskiest first, unscored last."""
    return 1.0 if risk is None else -risk
