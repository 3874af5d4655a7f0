"""Outcome values of finished sessions, summed by the streams of outcomes."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from domain.horizons import DELIVERED, HELD_OR_MISSED, LAST_MINUTE
from domain.vocabulary import Party, SessionStatus
from features.base.array_types import Flags, Ints, NamedArrays
from features.base.arrays import MISSING, equals, floats, microseconds
from features.base.sessions import SessionColumns

VERY_LAST_MINUTE = timedelta(hours=4)
"""A cancellation with less notice than this leaves no time for a substitute."""

LATE_MINUTES = 5
"""A session that starts later than this is late."""


def outcome_values(sessions: SessionColumns, table: pa.Table, rows: Ints) -> NamedArrays:
    """Values by name, (rows,) each: 0/1 facts of the finished sessions, and measurements."""
    status: dict[str, Flags] = {
        "missed": sessions.is_in({SessionStatus.NO_SHOW})[rows],
        "labelled": sessions.is_in(HELD_OR_MISSED)[rows],
        "delivered": sessions.is_in(DELIVERED)[rows],
    }
    late, rating = floats(table["late_minutes"])[rows], floats(table["rating"])[rows]
    measured = status["delivered"] & ~np.isnan(late)
    minutes = np.where(measured, late, 0)
    facts = status | _cancellations(sessions, table, rows)
    broken = facts["missed"] | facts["last_minute_cancelled"]
    measures: NamedArrays = {
        "timed_start": measured,
        "late_minutes": minutes,
        "late_minutes_squared": minutes**2,
        "late": minutes > LATE_MINUTES,
        "broken": broken,
        "bad": broken | (minutes > LATE_MINUTES),
        "good": facts["delivered"] & (minutes <= LATE_MINUTES),
        "rated": ~np.isnan(rating),
        "rating": np.nan_to_num(rating),
        "labelled_at": np.where(facts["labelled"], sessions.known_at[rows], 0),
    }
    return {**facts, **measures, **_taught(table, rows, facts["delivered"])}


def _cancellations(sessions: SessionColumns, table: pa.Table, rows: Ints) -> dict[str, Flags]:
    by_tutor = equals(table["initiated_by"], Party.TUTOR)
    cancelled = (sessions.is_in({SessionStatus.CANCELLED}) & by_tutor)[rows]
    notice = sessions.starts_at[rows] - sessions.known_at[rows]
    return {
        "last_minute_cancelled": cancelled & (notice < LAST_MINUTE // timedelta(microseconds=1)),
        "very_last_minute_cancelled": cancelled & (notice < VERY_LAST_MINUTE // timedelta(microseconds=1)),
    }


def _taught(table: pa.Table, rows: Ints, delivered: Flags) -> NamedArrays:
    """Duration of each delivered session in microseconds, measured or otherwise planned; `timed` where known."""
    minutes = floats(table["duration_minutes"])[rows]
    ends_at, starts_at = microseconds(table["ends_at"])[rows], microseconds(table["starts_at"])[rows]
    measured, planned = ~np.isnan(minutes), ends_at != MISSING
    lasted = np.where(planned, ends_at, starts_at) - starts_at
    lasted[measured] = np.round(minutes[measured] * 60_000_000).astype(np.int64)
    timed = delivered & (measured | planned)
    return {"timed": timed, "taught": np.where(timed, lasted, 0)}
