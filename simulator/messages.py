"""Simulated messages. A stressed or disengaged tutor writes less."""

from dataclasses import dataclass, fields

import numpy as np

from simulator.schedule import HOUR, Sessions
from simulator.settings import MarketSettings, microseconds
from simulator.tutors import DAY, WEEK, Ints, Tutors

WEEKLY_MESSAGES = 13.5
ON_ENGAGEMENT, ON_STRESS = 0.6, -0.5
"""Mean number of messages of a tutor per week, and its log slopes."""

ANSWERED_SHARE = 0.4
TUTOR, STUDENT, PLATFORM = 0, 1, 2


@dataclass(frozen=True)
class Messages:
    """Messages (n,) by time: tutor, row of the session concerned (-1: none), sender, UTC microseconds."""

    tutor: Ints
    session: Ints
    sender: Ints
    sent_at: Ints

    def take(self, rows: Ints) -> "Messages":
        """The messages at these rows, in the given order."""
        return Messages(*(getattr(self, field.name)[rows] for field in fields(self)))


def make_messages(settings: MarketSettings, tutors: Tutors, sessions: Sessions, rng: np.random.Generator) -> Messages:
    """Draw messages up to the present: tutors' messages, some answers, and the platform's to attended tutors."""
    written = _written(settings, tutors, sessions, rng)
    answered = written.take(np.flatnonzero(rng.random(written.tutor.size) < ANSWERED_SHARE))
    delay = rng.exponential(6 * HOUR, answered.tutor.size).astype(np.int64) + HOUR // 60
    answers = Messages(
        answered.tutor, answered.session, np.full_like(answered.tutor, STUDENT), answered.sent_at + delay
    )
    sent = _joined([written, answers, _attention(settings, tutors, rng)])
    seen = np.flatnonzero(sent.sent_at < np.minimum(microseconds(settings.end), tutors.departed_at[sent.tutor]))
    return sent.take(seen[np.argsort(sent.sent_at[seen], kind="stable")])


def _written(settings: MarketSettings, tutors: Tutors, sessions: Sessions, rng: np.random.Generator) -> Messages:
    """Tutors' messages, each about one of the week's sessions, after its booking."""
    week_of = sessions.tutor * settings.weeks + sessions.week
    by_week = np.argsort(week_of, kind="stable")
    taught = np.bincount(week_of, minlength=tutors.n * settings.weeks)
    drive = settings.signal * (ON_ENGAGEMENT * tutors.engagement + ON_STRESS * tutors.stress)
    counts = rng.poisson(WEEKLY_MESSAGES * np.exp(drive).reshape(-1) * (taught > 0))
    cell = np.repeat(np.arange(counts.size), counts)
    chosen = (rng.random(cell.size) * taught[cell]).astype(np.int64)
    session = by_week[(np.cumsum(taught) - taught)[cell] + chosen]
    tutor, week = np.divmod(cell, settings.weeks)
    at_any_time = microseconds(settings.begin) + week * WEEK + rng.integers(0, WEEK, cell.size)
    sent_at = np.maximum(at_any_time, sessions.booked_at[session] + rng.integers(0, DAY, cell.size))
    return Messages(tutor, session, np.full_like(tutor, TUTOR), sent_at)


def _attention(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> Messages:
    """The platform's messages to attended tutors."""
    weeks = np.arange(settings.weeks)
    there = (tutors.first_week[:, None] <= weeks) & (weeks <= tutors.last_week[:, None])
    tutor, week = np.nonzero(tutors.attended & there)
    sent_at = microseconds(settings.begin) + week * WEEK + rng.integers(0, WEEK, tutor.size)
    return Messages(tutor, np.full_like(tutor, -1), np.full_like(tutor, PLATFORM), sent_at)


def _joined(parts: list[Messages]) -> Messages:
    return Messages(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Messages)))
