"""The sessions of the next hours by risk, with what is planned about them and what contacts were worth so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from domain.interventions import Effect
from store.contacts.records import MeasuredEffects, has_plan, listed_contacts, measured_effects
from store.db.statements import ask
from store.scores.ranking import NOT_ERASED, UpcomingSession, upcoming_session, upcoming_sessions


@dataclass(frozen=True)
class Upcoming:
    """Sessions, the riskiest first and those without a score last.

    `listed` holds the tutors to contact on each day (UTC) that has a plan; `effects` what was measured, if anything.
    """

    sessions: tuple[UpcomingSession, ...]
    listed: Mapping[date, frozenset[str]]
    effects: MeasuredEffects | None

    def is_listed(self, session: UpcomingSession) -> bool | None:
        """Whether a session's tutor is on the contact list of its day; None where the day has no plan."""
        day = session.starts_at.astimezone(UTC).date()
        return session.tutor_id in self.listed[day] if day in self.listed else None

    def effect_on(self, session: UpcomingSession) -> Effect | None:
        """The measured effect of what is recommended for a session; None before anything was measured."""
        return self.effect_of(session.action)

    def effect_of(self, action: str | None) -> Effect | None:
        """The measured effect of an action; None before anything was measured."""
        return self.effects.of(action) if self.effects else None


def upcoming(engine: Engine, after: datetime, before: datetime, tutor_id: str | None = None) -> Upcoming:
    """The booked sessions that start in [after, before), of one tutor if given. Raises DatabaseUnavailable."""
    sessions = sorted(upcoming_sessions(engine, after, before, tutor_id), key=_by_risk)
    return _beside(engine, tuple(sessions), after, before)


def is_on_list(engine: Engine, tutor_id: str, starts_at: datetime) -> bool | None:
    """Whether a tutor is on the contact list of a session's day; None where it has no plan.

    Raises DatabaseUnavailable.
    """
    day = starts_at.astimezone(UTC).date()
    if not has_plan(engine, day):
        return None
    return any(contact.tutor_id == tutor_id for contact in listed_contacts(engine, day))


@dataclass(frozen=True)
class UpcomingPlace:
    """After which session a page begins: its risk, None where it had none, its start and its id."""

    risk: float | None
    starts_at: datetime
    session_id: str


def upcoming_page(
    engine: Engine, after: datetime, before: datetime, least: float | None, limit: int, place: UpcomingPlace | None
) -> tuple[Upcoming, int]:
    """At most `limit` of the sessions that start in [after, before), and how many there are on all pages.

    Only those of a risk from `least` on, if given; without it also those not scored. Raises DatabaseUnavailable.
    """
    values = {"after": after, "before": before, "least": least, "limit": limit}
    beyond = "true" if place is None else _BEYOND
    values |= {} if place is None else {"place_risk": _order_of(place.risk), **_rest_of(place)}
    rows = ask(engine, text(_PAGE.format(beyond=beyond)), values)
    found = _beside(engine, tuple(upcoming_session(row) for row in rows), after, before)
    return found, rows[0].total if rows else 0


# All are sorted and counted in the database; only those shown are sent, with their reasons.
_PAGE = f"""
    SELECT * FROM (
        SELECT *, coalesce(-no_show, 1) AS place_risk, count(*) OVER () AS total
        FROM upcoming_sessions
        WHERE starts_at >= :after AND starts_at < :before AND {NOT_ERASED}
            AND (CAST(:least AS double precision) IS NULL OR no_show >= :least)
    ) AS found
    WHERE {{beyond}}
    ORDER BY place_risk, starts_at, session_id
    LIMIT :limit
"""
_BEYOND = "(place_risk, starts_at, session_id) > (:place_risk, :place_starts_at, :place_session_id)"


def _rest_of(place: UpcomingPlace) -> dict[str, Any]:
    return {"place_starts_at": place.starts_at, "place_session_id": place.session_id}


def _beside(engine: Engine, sessions: tuple[UpcomingSession, ...], after: datetime, before: datetime) -> Upcoming:
    """The sessions with what is planned about them and what contacts were worth."""
    planned = [day for day in _days(after, before) if has_plan(engine, day)]
    listed = {day: frozenset(contact.tutor_id for contact in listed_contacts(engine, day)) for day in planned}
    return Upcoming(sessions, listed, measured_effects(engine))


def _by_risk(session: UpcomingSession) -> tuple[float, datetime, str]:
    risk = session.no_show.value if session.no_show else None
    return (_order_of(risk), session.starts_at, session.session_id)


def _order_of(risk: float | None) -> float:
    """The riskiest first, those without a score last."""
    return 1.0 if risk is None else -risk


def _days(after: datetime, before: datetime) -> list[date]:
    first, last = (moment.astimezone(UTC).date() for moment in (after, before))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
