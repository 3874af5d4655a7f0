"""Flow `contacts`: measures the effects of past contacts and stores the contact plan of the next day."""

import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from prefect import flow
from prefect.cache_policies import NO_CACHE

from domain.interventions import ContactPlan, Effect
from flows import standalone
from flows.recorded import recorded
from flows.tasks import task
from gateways.clock import utc_now
from gateways.settings import Settings
from insights.advice.actions import contact_action
from insights.contacts.effect import OutcomeColumns, effects
from insights.contacts.effect_words import in_words
from insights.contacts.plan import ContactCandidate, contact_list, day_bounds, planned_day
from jobs.runtime import Runtime, moment, open_runtime
from store.contacts.records import contact_outcomes, has_plan, save_effects, save_plan
from store.scores.ranking import UpcomingSession, upcoming_sessions

FRESH = timedelta(days=1)
"""Largest age of a risk used for planning."""


@task(retries=2, retry_delay_seconds=10, timeout_seconds=300, cache_policy=NO_CACHE)
def measure(runtime: Runtime, now: datetime) -> tuple[Effect, ...]:
    """Measure and store the effects of contacts so far, overall and by action."""
    found = effects(OutcomeColumns.of(contact_outcomes(runtime.engine, before=now.date())))
    save_effects(runtime.engine, found, now)
    return found


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def load_candidates(runtime: Runtime, day: date, now: datetime) -> list[ContactCandidate]:
    """Sessions booked for a day, with their current risk."""
    return candidates(upcoming_sessions(runtime.engine, *day_bounds(day)), now)


def candidates(sessions: Sequence[UpcomingSession], now: datetime) -> list[ContactCandidate]:
    """Candidates from the sessions scored within the last day."""
    return [
        ContactCandidate(s.session_id, s.tutor_id, s.starts_at, s.no_show.value, contact_action(s.reasons))
        for s in sessions
        if s.no_show is not None and s.as_of is not None and now - FRESH < s.as_of <= now
    ]


@task(retries=2, retry_delay_seconds=10, timeout_seconds=60, cache_policy=NO_CACHE)
def save(runtime: Runtime, plan: ContactPlan, now: datetime) -> bool:
    """Store the plan. Returns False if another run has stored one."""
    return save_plan(runtime.engine, plan, now)


def make_plan(
    settings: Settings, day: date, sessions: Sequence[ContactCandidate], measured: Sequence[Effect]
) -> ContactPlan:
    """Plan of a day with the capacity and holdout share of the settings."""
    drawn_with = (settings.contacts_per_day, settings.holdout_share, settings.seed)
    return ContactPlan(day, *drawn_with, tuple(contact_list(sessions, day, *drawn_with, measured)))


@flow(name="contacts", log_prints=True, timeout_seconds=900)
@recorded
def contacts(as_of: str | None = None) -> int:
    """Plan tomorrow's contacts as of a moment (ISO 8601; now by default). Returns the number of tutors in the plan.

    A day is planned once: if its plan is already stored, nothing changes and 0 is returned.
    """
    with open_runtime(os.environ) as runtime:
        now = moment(as_of, utc_now())
        measured = measure(runtime, now)
        print(in_words(measured[0]))
        day = planned_day(now)
        if has_plan(runtime.engine, day):
            print(f"{day}: planned already")
            return 0
        sessions = load_candidates(runtime, day, now)
        if not sessions:
            print(f"{day}: no session of that day was scored in the last 24 hours; run `tqs score` first")
            return 0
        plan = make_plan(runtime.settings, day, sessions, measured)
        return len(plan.contacts) if save(runtime, plan, now) else 0


if __name__ == "__main__":
    standalone.main(contacts)
