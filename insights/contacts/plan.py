"""Contact plan of a day: the tutors to contact about tomorrow's sessions, and the holdout that measures the effect.

The arm is drawn by tutor and day. Not by session: a call about one session is a reminder of all sessions of that day,
so held-out sessions would be partly contacted. Not by tutor for good: the same tutors would never be helped. The draw
is made inside the list, after the ranking, so both arms have equal risk in expectation, and the size of the holdout is
fixed for a day, so the capacity is used up and never exceeded.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import floor

from domain.interventions import Arm, Effect, PlannedContact, PlannedSession

DAY = timedelta(days=1)


@dataclass(frozen=True)
class ContactCandidate:
    """One session that a contact could be about: its risk of a no-show (0..1) and the proposed action."""

    session_id: str
    tutor_id: str
    starts_at: datetime
    risk: float
    action: str


def planned_day(now: datetime) -> date:
    """Return the day that a list made now is for: tomorrow in UTC, so that no session is on the lists of two days."""
    return now.astimezone(UTC).date() + DAY


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day and of the next day, UTC."""
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def contact_list(
    candidates: Iterable[ContactCandidate],
    day: date,
    capacity: int,
    holdout_share: float,
    seed: int,
    effects: Sequence[Effect] = (),
) -> list[PlannedContact]:
    """Return the contacts of a day, at most one per tutor, the most no-shows expected to be prevented first.

    At most `capacity` tutors are to be contacted; about `holdout_share` (0..1) of the list is held out in addition.
    Deterministic: the same sessions, day and seed give the same list, in any order of the sessions.
    """
    known = relative_effects(effects)
    by_tutor: dict[str, list[ContactCandidate]] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.risk, c.session_id)):
        by_tutor.setdefault(candidate.tutor_id, []).append(candidate)
    ranked = sorted(by_tutor.values(), key=lambda sessions: (-_worth(sessions, known), sessions[0].tutor_id))
    held = _holdout_size(capacity, len(ranked), holdout_share, _chance(f"{seed} {day}"))
    listed = ranked[: capacity + held] if capacity else []
    drawn = sorted(listed, key=lambda sessions: _chance(f"{seed} {day} {sessions[0].tutor_id}"))
    held_out = {sessions[0].tutor_id for sessions in drawn[:held]}
    return [
        _contact(sessions, rank, sessions[0].tutor_id in held_out, known)
        for rank, sessions in enumerate(listed, start=1)
    ]


def relative_effects(effects: Iterable[Effect]) -> Mapping[str | None, float]:
    """Return the share of no-shows that each action prevents, where it could be estimated; key None is all actions.

    Empty without the effect of all actions, by which actions without an estimate of their own are ranked.
    """
    known = {effect.action: effect.relative.value for effect in effects if effect.relative is not None}
    return known if None in known else {}


def expected_prevented(risk: float, action: str, known: Mapping[str | None, float]) -> float | None:
    """Return the expected prevented no-shows: risk times the action's effect, or that of all; None if unknown."""
    share = known.get(action, known.get(None))
    return None if share is None else risk * share


def _worth(sessions: Sequence[ContactCandidate], known: Mapping[str | None, float]) -> float:
    risk = sum(session.risk for session in sessions)
    prevented = expected_prevented(risk, sessions[0].action, known)
    return risk if prevented is None else prevented


def _holdout_size(capacity: int, tutors: int, share: float, chance: float) -> int:
    """Return the size of the holdout, rounded at random to keep its expected value, or small lists would have none."""
    expected = min(capacity * share / (1 - share), tutors * share)
    whole = floor(expected)
    return whole + (chance < expected - whole)


def _chance(key: str) -> float:
    """Return a pseudo-random number in 0..1 that depends on the key alone (Python's own hash changes with each run)."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7]) / 2**56


def _contact(
    sessions: Sequence[ContactCandidate], rank: int, held_out: bool, known: Mapping[str | None, float]
) -> PlannedContact:
    """Return the contact of a tutor, with the action for the riskiest session."""
    planned = tuple(PlannedSession(s.session_id, s.starts_at, s.risk) for s in sessions)
    action = sessions[0].action
    prevented = expected_prevented(sum(s.risk for s in sessions), action, known)
    arm = Arm.HOLDOUT if held_out else Arm.CONTACT
    return PlannedContact(sessions[0].tutor_id, arm, action, rank, prevented, planned)
