"""Past of the queries: a history as of each query."""

from functools import cached_property

import numpy as np

from features.as_of.priors import Priors
from features.as_of.queries import Queries
from features.base.array_types import Column
from features.base.dataset import Group
from features.base.sessions import part_owner, weekday_owner
from features.base.stream import MICROSECONDS_A_DAY, Stream, StreamView
from features.history.calendar import Around, booked_around
from features.history.history import MISSING, History, SessionColumns, slot_owner


class Past:
    """Views of a history's streams as of each query, without anything known at or after it.

    Views are cached, so that features share the positions of the same windows.
    """

    def __init__(self, history: History, queries: Queries, priors: Priors) -> None:
        self.history, self.queries, self.priors = history, queries, priors

    @property
    def session(self) -> SessionColumns:
        """Sessions of the queries. Raises ValueError if the queries have none."""
        if self.queries.session is None:
            raise ValueError("this feature reads a session, and the queries name none")
        return self.queries.session

    def _by_tutor(self, stream: Stream) -> StreamView:
        return StreamView(stream, self.queries.tutor, self.queries.as_of)

    @cached_property
    def outcomes(self) -> StreamView:
        """Finished sessions of the tutor."""
        return self._by_tutor(self.history.outcomes)

    @cached_property
    def deliveries(self) -> StreamView:
        """Sessions that the tutor delivered."""
        return self._by_tutor(self.history.deliveries)

    @cached_property
    def slot_outcomes(self) -> StreamView:
        """Held or missed sessions of the tutor at the session's weekday and part of day."""
        owners = slot_owner(self.queries.tutor, self.session.slot)
        return StreamView(self.history.slot_outcomes, owners, self.queries.as_of)

    @cached_property
    def weekday_outcomes(self) -> StreamView:
        """Held or missed sessions of the tutor on the session's weekday."""
        owners = weekday_owner(self.queries.tutor, self.session.weekday)
        return StreamView(self.history.weekday_outcomes, owners, self.queries.as_of)

    @cached_property
    def part_outcomes(self) -> StreamView:
        """Held or missed sessions of the tutor at the session's part of day."""
        owners = part_owner(self.queries.tutor, self.session.slot)
        return StreamView(self.history.part_outcomes, owners, self.queries.as_of)

    @cached_property
    def pair_outcomes(self) -> StreamView:
        """Held or missed sessions of the tutor with the session's student."""
        return StreamView(self.history.pair_outcomes, self.session.pair, self.queries.as_of)

    def group_days(self, group: Group) -> StreamView:
        """Held and missed sessions with the session's value of a group, known before the UTC day of the query."""
        days = self.history.group_days(group)
        values = self.history.group_values(group, self.session)
        return StreamView(
            days.stream, days.codes(values), self.queries.as_of // MICROSECONDS_A_DAY * MICROSECONDS_A_DAY
        )

    @cached_property
    def first_ratings(self) -> StreamView:
        """First session of the tutor with each student."""
        return self._by_tutor(self.history.first_ratings)

    @cached_property
    def judged_firsts(self) -> StreamView:
        """First session of the tutor with each student, known once the time for a follow-up booking is over."""
        return self._by_tutor(self.history.judged_firsts)

    @cached_property
    def calendar(self) -> Around:
        """Numbers of other booked sessions of the tutor around the session."""
        return booked_around(self.history.calendar, self.session, self.queries.as_of)

    @cached_property
    def session_moves(self) -> StreamView:
        """Reschedules of the session."""
        return StreamView(self.history.session_moves, self.history.moved_codes(self.session.row), self.queries.as_of)

    @cached_property
    def reschedules(self) -> StreamView:
        """Reschedules of the tutor's sessions."""
        return self._by_tutor(self.history.reschedules)

    @cached_property
    def sent_messages(self) -> StreamView:
        """Messages from the tutor."""
        return self._by_tutor(self.history.sent_messages)

    @cached_property
    def received_messages(self) -> StreamView:
        """Messages from students to the tutor."""
        return self._by_tutor(self.history.received_messages)

    @cached_property
    def answered_messages(self) -> StreamView:
        """Messages from students to the tutor, known when the tutor wrote back."""
        return self._by_tutor(self.history.answered_messages)

    @cached_property
    def attention(self) -> StreamView:
        """Messages from the platform to the tutor."""
        return self._by_tutor(self.history.attention)

    def days_since_start(self) -> Column:
        """Days from the tutor's start to the query; NaN where the start is unknown or later."""
        tutor = self.queries.tutor
        started = np.append(self.history.started_at, MISSING)[tutor]  # an unknown tutor, -1, reads the appended value
        known = (started != MISSING) & (started < self.queries.as_of)
        days = np.full(tutor.size, np.nan)
        days[known] = (self.queries.as_of[known] - started[known]) / MICROSECONDS_A_DAY
        return days
