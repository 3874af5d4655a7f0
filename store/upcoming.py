"""The sessions of the next hours by risk, with what is planned about them and what contacts were worth so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine

from domain.interventions import Effect
from store.contacts import MeasuredEffects, has_plan, listed_contacts, measured_effects
from store.views import UpcomingSession, upcoming_sessions


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
        return self.effects.of(session.action) if self.effects else None


def upcoming(engine: Engine, after: datetime, before: datetime, tutor_id: str | None = None) -> Upcoming:
    """The booked sessions that start in [after, before), of one tutor if given. Raises DatabaseUnavailable."""
    sessions = sorted(upcoming_sessions(engine, after, before, tutor_id), key=by_risk)
    planned = [day for day in _days(after, before) if has_plan(engine, day)]
    listed = {day: frozenset(contact.tutor_id for contact in listed_contacts(engine, day)) for day in planned}
    return Upcoming(tuple(sessions), listed, measured_effects(engine))


def by_risk(session: UpcomingSession) -> tuple[float, datetime, str]:
    """What the list is sorted by: the riskiest first, those without a score last."""
    return (-session.no_show.value if session.no_show else 1.0, session.starts_at, session.session_id)


def _days(after: datetime, before: datetime) -> list[date]:
    first, last = (moment.astimezone(UTC).date() for moment in (after, before))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
