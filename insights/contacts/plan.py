"""Whom to contact about tomorrow's sessions, and whom to leave out on purpose, so that the effect can be measured.

Chance decides by tutor and day. By session it could not: a call about one session reminds of all of that day, so the
sessions held out would be half contacted. By tutor for good it should not: the same tutors would never be helped. The
draw is made inside the list, after the ranking, so both arms are of equal risk but for chance, and the number held
out is fixed for a day, so the capacity is used up and never exceeded.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import floor

from domain.interventions import Arm, Effect, PlannedContact, PlannedSession
from domain.scores import Reason
from insights.advice.actions import DEFAULT_ACTION, NO_SHOW_ACTIONS

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Candidate:
    """A session a contact could be about: its risk of a no-show (0..1), and what would be done."""

    session_id: str
    tutor_id: str
    starts_at: datetime
    risk: float
    action: str


def planned_day(now: datetime) -> date:
    """The day a list made now is for: tomorrow, by the UTC calendar, so that no session is on the lists of two days."""
    return now.astimezone(UTC).date() + DAY


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day and of the next, UTC."""
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def contact_action(reasons: Sequence[Reason]) -> str:
    """What to do about a risky session: the proposal for the first reason that raises its risk."""
    raising = (reason.theme for reason in reasons if reason.effect > 0)
    return next((NO_SHOW_ACTIONS[theme] for theme in raising if theme in NO_SHOW_ACTIONS), DEFAULT_ACTION)


def contact_list(
    candidates: Iterable[Candidate],
    day: date,
    capacity: int,
    holdout_share: float,
    seed: int,
    effects: Sequence[Effect] = (),
) -> list[PlannedContact]:
    """The list of a day: one contact a tutor at most, those first that are expected to prevent most no-shows.

    At most `capacity` of them are to be contacted; about `holdout_share` (0..1) of the list is held out beside them.
    The same sessions, day and seed give the same list, in whatever order the sessions come.
    """
    known = relative_effects(effects)
    by_tutor: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.risk, c.session_id)):
        by_tutor.setdefault(candidate.tutor_id, []).append(candidate)
    ranked = sorted(by_tutor.values(), key=lambda of: (-_worth(of, known), of[0].tutor_id))
    held = _held_out_beside(capacity, len(ranked), holdout_share, _chance(f"{seed} {day}"))
    listed = ranked[: capacity + held] if capacity else []
    drawn = sorted(listed, key=lambda of: _chance(f"{seed} {day} {of[0].tutor_id}"))
    held_out = {of[0].tutor_id for of in drawn[:held]}
    return [_contact(of, rank, of[0].tutor_id in held_out, known) for rank, of in enumerate(listed, start=1)]


def relative_effects(effects: Iterable[Effect]) -> Mapping[str | None, float]:
    """The share of no-shows each action prevents, where enough was seen to say; None stands for all actions.

    Empty unless that of all is among them: the actions without one of their own are ranked by it.
    """
    known = {effect.action: effect.relative.value for effect in effects if effect.relative is not None}
    return known if None in known else {}


def expected_prevented(risk: float, action: str, known: Mapping[str | None, float]) -> float | None:
    """No-shows a contact is expected to prevent: risk x the action's effect, else that of all; None if unknown."""
    share = known.get(action, known.get(None))
    return None if share is None else risk * share


def _worth(sessions: Sequence[Candidate], known: Mapping[str | None, float]) -> float:
    risk = sum(session.risk for session in sessions)
    prevented = expected_prevented(risk, sessions[0].action, known)
    return risk if prevented is None else prevented


def _held_out_beside(capacity: int, tutors: int, share: float, chance: float) -> int:
    """How many are held out today; a fraction is rounded up as often as it says, or small lists would hold out none."""
    expected = min(capacity * share / (1 - share), tutors * share)
    whole = floor(expected)
    return whole + (chance < expected - whole)


def _chance(key: str) -> float:
    """A number in 0..1 that looks random and is always the same for a key (Python's own hash changes with each run)."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7]) / 2**56


def _contact(
    sessions: Sequence[Candidate], rank: int, held_out: bool, known: Mapping[str | None, float]
) -> PlannedContact:
    """The contact of a tutor, with the action for the riskiest session."""
    planned = tuple(PlannedSession(s.session_id, s.starts_at, s.risk) for s in sessions)
    action = sessions[0].action
    prevented = expected_prevented(sum(s.risk for s in sessions), action, known)
    arm = Arm.HOLDOUT if held_out else Arm.CONTACT
    return PlannedContact(sessions[0].tutor_id, arm, action, rank, prevented, planned)
