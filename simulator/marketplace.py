"""Simulation of a marketplace: people, schedule, changes, meetings; the result holds only data known at `end`."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.base.dataset import Dataset
from simulator import tables, texts
from simulator.changes import make_cancellations, make_reschedules
from simulator.messages import make_messages
from simulator.no_shows import no_show_log_odds
from simulator.outcomes import make_outcomes
from simulator.pairing import meet
from simulator.schedule import make_schedule
from simulator.settings import MarketSettings, Regime, RegimeKind
from simulator.students import make_pairs
from simulator.truth import truth_table
from simulator.tutors import make_tutors

__all__ = ["Market", "MarketSettings", "Regime", "RegimeKind", "simulate"]


@dataclass(frozen=True)
class Market:
    """The platform's dataset, and the underlying truth (see `simulator.truth`) for evaluation only."""

    dataset: Dataset
    truth: pa.Table


def simulate(settings: MarketSettings) -> Market:
    """Simulate a marketplace; deterministic for given settings."""
    rng = np.random.default_rng(settings.seed)
    tutors = make_tutors(settings, rng)
    places, sessions = make_schedule(settings, tutors, rng)
    moves = make_reschedules(settings, tutors, sessions, rng)
    starts_at, scheduled_at = sessions.starts_at.copy(), sessions.booked_at.copy()
    starts_at[moves.session], scheduled_at[moves.session] = moves.new_starts_at, moves.requested_at
    messages = make_messages(settings, tutors, sessions, rng)
    cancellations = make_cancellations(tutors, sessions, starts_at, scheduled_at, rng)
    log_odds = no_show_log_odds(settings, tutors, sessions, starts_at, scheduled_at, moves, messages)
    meetings = meet(settings, sessions, starts_at, log_odds, cancellations.cancelled, rng)
    pairs = make_pairs(settings, tutors, places, sessions, starts_at, meetings, rng)
    outcomes = make_outcomes(
        settings, tutors, sessions, pairs.of, starts_at, scheduled_at, meetings, cancellations, rng
    )
    reasons = texts.reason_classes(moves.session.size, rng)
    transcripts, quality = tables.transcript_table(settings, outcomes, rng)
    data = {
        "tutors": tables.tutor_table(settings, tutors, rng),
        "students": tables.student_table(pairs, rng),
        "sessions": tables.session_table(sessions, places, pairs, starts_at, scheduled_at, outcomes),
        "reschedules": tables.reschedule_table(sessions, moves, reasons, rng),
        "messages": tables.message_table(messages, pairs),
        "transcripts": transcripts,
    }
    truth = truth_table(settings, tutors, meetings.probability, data, reasons, quality)
    return Market(Dataset(data, tables.ATTRIBUTES), truth)
