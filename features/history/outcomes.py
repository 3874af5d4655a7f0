"""Outcome values of finished sessions, summed by the streams of outcomes."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.horizons import DELIVERED, HELD_OR_MISSED, LAST_MINUTE
from domain.vocabulary import Party, SessionStatus
from features.base.array_types import Flags, Ints, Values
from features.base.arrays import MISSING, equals, floats, microseconds
from features.base.sessions import SessionColumns

VERY_LAST_MINUTE = timedelta(hours=4)
"""A cancellation with less notice than this leaves no time for a substitute."""

LATE_MINUTES = 5
"""A session that starts later than this is late."""


class OutcomeValues(Mapping[str, NDArray[np.generic]]):
    """Values by name, (rows,) each: 0/1 facts of finished sessions, and measurements; each computed at first use.

    `rows` are the finished sessions in `sessions` and in their `table`.
    """

    def __init__(self, sessions: SessionColumns, table: pa.Table, rows: Ints) -> None:
        self._sessions, self._table, self._rows = sessions, table, rows

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        if name not in _NAMES:
            raise KeyError(name)
        return np.asarray(getattr(self, name))

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    @cached_property
    def missed(self) -> Flags:
        """The tutor missed the session."""
        return self._sessions.is_in({SessionStatus.NO_SHOW})[self._rows]

    @cached_property
    def labelled(self) -> Flags:
        """The session was held or missed."""
        return self._sessions.is_in(HELD_OR_MISSED)[self._rows]

    @cached_property
    def delivered(self) -> Flags:
        """The tutor attended the session."""
        return self._sessions.is_in(DELIVERED)[self._rows]

    @cached_property
    def labelled_at(self) -> Ints:
        """Moment at which a held or missed session became known, 0 for others."""
        return np.where(self.labelled, self._sessions.known_at[self._rows], 0)

    @cached_property
    def last_minute_cancelled(self) -> Flags:
        """The tutor cancelled with less notice than LAST_MINUTE."""
        return self._cancelled & (self._notice < LAST_MINUTE // timedelta(microseconds=1))

    @cached_property
    def very_last_minute_cancelled(self) -> Flags:
        """The tutor cancelled with less notice than VERY_LAST_MINUTE."""
        return self._cancelled & (self._notice < VERY_LAST_MINUTE // timedelta(microseconds=1))

    @cached_property
    def timed_start(self) -> Flags:
        """The tutor attended, and the delay of the start is known."""
        return self.delivered & ~np.isnan(self._late)

    @cached_property
    def late_minutes(self) -> Values:
        """Delay of the start in minutes, 0 where unknown."""
        return np.where(self.timed_start, self._late, 0)

    @cached_property
    def late_minutes_squared(self) -> Values:
        """Square of the delay."""
        return np.asarray(self.late_minutes**2)

    @cached_property
    def late(self) -> Flags:
        """The session started late."""
        return self.late_minutes > LATE_MINUTES

    @cached_property
    def broken(self) -> Flags:
        """The tutor missed the session or cancelled it at the last minute."""
        return self.missed | self.last_minute_cancelled

    @cached_property
    def bad(self) -> Flags:
        """The session was broken or started late."""
        return self.broken | self.late

    @cached_property
    def good(self) -> Flags:
        """The tutor attended in time."""
        return self.delivered & ~self.late

    @cached_property
    def rated(self) -> Flags:
        """The session has a rating."""
        return np.asarray(~np.isnan(self._rating))

    @cached_property
    def rating(self) -> Values:
        """Rating in stars, 0 without one."""
        return np.nan_to_num(self._rating)

    @cached_property
    def timed(self) -> Flags:
        """The tutor attended, and the duration is measured or planned."""
        return np.asarray(self.delivered & (~np.isnan(self._minutes) | (self._ends_at != MISSING)))

    @cached_property
    def taught(self) -> Ints:
        """Duration of the delivered session in microseconds, measured or otherwise planned; 0 where unknown."""
        starts_at, minutes = self._sessions.starts_at[self._rows], self._minutes
        lasted = np.where(self._ends_at != MISSING, self._ends_at, starts_at) - starts_at
        measured = ~np.isnan(minutes)
        lasted[measured] = np.round(minutes[measured] * 60_000_000).astype(np.int64)
        return np.where(self.timed, lasted, 0)

    @cached_property
    def _cancelled(self) -> Flags:
        by_tutor = equals(self._table["initiated_by"], Party.TUTOR)
        return np.asarray((self._sessions.is_in({SessionStatus.CANCELLED}) & by_tutor)[self._rows])

    @cached_property
    def _notice(self) -> Ints:
        return np.asarray(self._sessions.starts_at[self._rows] - self._sessions.known_at[self._rows])

    @cached_property
    def _late(self) -> Values:
        return floats(self._table["late_minutes"])[self._rows]

    @cached_property
    def _rating(self) -> Values:
        return floats(self._table["rating"])[self._rows]

    @cached_property
    def _minutes(self) -> Values:
        return floats(self._table["duration_minutes"])[self._rows]

    @cached_property
    def _ends_at(self) -> Ints:
        return microseconds(self._table["ends_at"])[self._rows]


_NAMES = tuple(
    name for name, value in vars(OutcomeValues).items() if isinstance(value, cached_property) and name[0] != "_"
)
