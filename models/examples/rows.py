"""As-of rows: queries, their labels, and the moments the labels became known."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from domain.horizons import ACTIVE_WINDOW, HELD_OR_MISSED, TUTOR_HORIZON
from domain.vocabulary import SessionStatus
from features.as_of.queries import Queries, decided_when_asked, of_sessions, of_tutors, take, warning_moment
from features.base.array_types import Ints
from features.base.kernel import positions
from features.history.active import active_tutors  # asked for with the rows
from features.history.history import MISSING, History, SessionColumns
from models.learners.hazard import PERIODS, person_periods

USUAL_DELAY = 0.95
"""Quantile of the time from the start to the known outcome after which an outcome counts as decided."""

MOST_UNDECIDED = 0.05
"""Largest share of undecided sessions among the latest ones with which the data count as complete."""


@dataclass(frozen=True)
class Rows:
    """Queries with their 0/1 labels and the moment from which each label may be used, (rows,) each.

    `known_at` does not depend on the label: by then the outcome of every row of this age is decided. `subject` is the
    session's row in the history for no-show, the tutor's code for churn.
    """

    queries: Queries
    label: NDArray[np.float64]
    known_at: Ints
    subject: Ints

    def __len__(self) -> int:
        return self.label.size

    def where(self, mask: NDArray[np.bool_]) -> "Rows":
        """Returns the rows of a boolean mask (rows,)."""
        rows = np.flatnonzero(mask)
        session = self.queries.session
        queries = Queries(
            self.queries.tutor[rows], self.queries.as_of[rows], None if session is None else take(session, rows)
        )
        return Rows(queries, self.label[rows], self.known_at[rows], self.subject[rows])


def span(delta: timedelta) -> int:
    """Returns a time span in microseconds."""
    return delta // timedelta(microseconds=1)


def finished_rows(history: History) -> Rows:
    """Returns one row per session held or missed, as of its early-warning moment; `known_at` is its outcome's own.

    A session booked, or moved to its start, after that start has no row: no warning was possible. Neither has one
    whose outcome was known by its early-warning moment: its own history would contain the outcome.
    """
    sessions = history.sessions
    labelled = sessions.is_in(HELD_OR_MISSED) & (sessions.known_at != MISSING)
    subject = np.flatnonzero(labelled & _predictable(sessions) & ~decided_when_asked(sessions))
    chosen = take(sessions, subject)
    label = chosen.is_in({SessionStatus.NO_SHOW}).astype(np.float64)
    return Rows(of_sessions(chosen), label, chosen.known_at, subject)


def _predictable(sessions: SessionColumns) -> NDArray[np.bool_]:
    return (warning_moment(sessions) <= sessions.starts_at) & (sessions.tutor >= 0)


def no_show_rows(history: History) -> Rows:
    """Returns the rows of `finished_rows` whose label may be used by the end of the data.

    One outcome may become known long before the other, such as cancellations before arrivals: the labels known at a
    moment then contain too many of it. So a label is used from its start plus the usual delay of outcomes on, or from
    when it became known, if later. See docs/adr/0030.
    """
    rows = finished_rows(history)
    if not len(rows):
        return rows
    starts_at, end = history.sessions.starts_at[rows.subject], data_span(history)[1]
    delay = max(int(np.quantile(rows.known_at - starts_at, USUAL_DELAY)), 0)
    decided_at = np.maximum(rows.known_at, starts_at + delay)
    early = decided_at > end
    if _share_undecided(history, end - delay, end, int(early.sum())) <= MOST_UNDECIDED:
        return replace(rows, known_at=np.minimum(decided_at, end))
    return replace(rows, known_at=decided_at).where(~early)


def _share_undecided(history: History, since: int, end: int, decided: int) -> float:
    """Returns the share of undecided sessions among those starting after `since` that are queried before `end`.

    `decided` is the number of the others; both moments are in UTC microseconds.
    """
    sessions = history.sessions
    undecided = sessions.is_in({SessionStatus.BOOKED}) | (sessions.known_at == MISSING)
    recent = (sessions.starts_at > since) & (warning_moment(sessions) < end)
    number = int((undecided & recent & _predictable(sessions)).sum())
    return number / max(number + decided, 1)


def churn_rows(history: History, horizon: timedelta, every: timedelta, origin: int | None = None) -> Rows:
    """Returns one row per active tutor and date with a known outcome; dates are `every` apart and include `origin`.

    Dates whose horizon ends after the data are excluded, because their outcome is unknown. `churn_examples` uses what
    was observed of them so far.
    """
    ahead = span(horizon)
    tutor, as_of = _tutor_dates(history, every, origin, data_span(history)[1] - ahead)
    leaves_at = leaving_moments(history, tutor, as_of, horizon)
    label = (leaves_at != MISSING) & (leaves_at < as_of + ahead)
    return Rows(of_tutors(tutor, as_of), label.astype(np.float64), as_of + ahead, tutor)


def data_span(history: History) -> tuple[int, int]:
    """Returns the first start and the last moment an outcome became known, UTC microseconds."""
    known = history.sessions.known_at
    known = known[known != MISSING]
    if not known.size:
        return 0, 0
    return int(history.sessions.starts_at.min()), int(known.max())


def _tutor_dates(history: History, every: timedelta, origin: int | None, last: int) -> tuple[Ints, Ints]:
    """Returns tutors and dates (rows,): the active tutors at every date up to and including `last`."""
    step, first = span(every), data_span(history)[0] + span(ACTIVE_WINDOW)
    if origin is not None:
        first += (origin - first) % step
    dates = np.arange(first, last + 1, step)
    parts = [active_tutors(history, int(date)) for date in dates]
    tutor = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    return tutor, np.repeat(dates, [p.size for p in parts]).astype(np.int64)


def leaving_moments(history: History, tutor: Ints, as_of: Ints, horizon: timedelta) -> Ints:
    """Returns the departure of each tutor at or after each moment: (rows,) UTC microseconds, MISSING where unknown.

    In data without departures, a tutor without deliveries during the horizon counts as departed at its beginning.
    """
    if history.dataset.departures_given:
        departed = history.departed_at[tutor]
        return np.where(departed >= as_of, departed, MISSING)
    # By the moment a delivery became known, so that the label is known when its horizon ends.
    deliveries = history.deliveries
    until, since = (positions(deliveries.starts, deliveries.known, tutor, t) for t in (as_of + span(horizon), as_of))
    return np.where(until == since, as_of, MISSING)


def periods_of(history: History, horizon: timedelta) -> tuple[int, ...]:
    """Returns the periods of a churn model, in days; the horizon is one of their ends.

    In data without departures there is one period: leaving is then defined as no delivery during the whole horizon.
    """
    if not history.dataset.departures_given:
        return 0, horizon.days
    return tuple(sorted({*PERIODS, horizon.days}))


@dataclass(frozen=True)
class Examples:
    """Training examples: queries (rows,), and the row, label and known-at moment of each example.

    `period` (examples,) is the period of a hazard after the row's moment; None where every row is one example.
    `censored` counts the rows observed for a part of their periods only.
    """

    queries: Queries
    row: Ints
    label: NDArray[np.float64]
    known_at: Ints
    period: NDArray[np.int8] | None = None
    censored: int = 0

    def __len__(self) -> int:
        return self.label.size

    @property
    def as_of(self) -> Ints:
        """The moment of each example: (examples,) UTC microseconds."""
        return self.queries.as_of[self.row]

    @property
    def tutor(self) -> Ints:
        """The tutor of each example: (examples,) codes."""
        return self.queries.tutor[self.row]

    @property
    def row_label(self) -> NDArray[np.float64]:
        """Whether any example of each row is positive: (rows,) 0/1."""
        return (np.bincount(self.row, self.label, len(self.queries)) > 0).astype(np.float64)


def no_show_examples(rows: Rows, known_before: int) -> Examples:
    """Returns the sessions whose outcome was known before a moment (UTC microseconds)."""
    known = rows.where(rows.known_at < known_before)
    return Examples(known.queries, np.arange(len(known)), known.label, known.known_at)


def churn_examples(
    history: History, horizon: timedelta, every: timedelta, known_before: int, origin: int | None = None
) -> Examples:
    """Returns the person-periods of every active tutor at dates `every` apart, as far as observed before a moment."""
    tutor, as_of = _tutor_dates(history, every, origin, min(known_before, data_span(history)[1]))
    leaves_at = leaving_moments(history, tutor, as_of, horizon)
    observed = person_periods(as_of, leaves_at, periods_of(history, horizon), known_before)
    return Examples(
        of_tutors(tutor, as_of), observed.row, observed.label, observed.known_at, observed.period, observed.censored
    )


def booked_sessions(history: History, as_of: int, ahead: timedelta) -> Ints:
    """Returns the rows of the sessions known at `as_of` to start within `ahead` and not known to be cancelled."""
    sessions = history.sessions
    known = (sessions.booked_at < as_of) & (sessions.scheduled_at < as_of) & (sessions.tutor >= 0)
    soon = (sessions.starts_at >= as_of) & (sessions.starts_at < as_of + span(ahead))
    still_on = (sessions.known_at == MISSING) | (sessions.known_at >= as_of)
    return np.flatnonzero(known & soon & still_on)


def tutor_no_show_labels(history: History, as_of: int, known_before: int) -> NDArray[np.float64]:
    """Returns whether each tutor missed a session starting within the tutor horizon after `as_of`: (tutors,) 0/1.

    Only no-shows recorded before `known_before` (UTC microseconds) count.
    """
    sessions = history.sessions
    ahead = (sessions.starts_at >= as_of) & (sessions.starts_at < as_of + span(TUTOR_HORIZON))
    known = (sessions.known_at != MISSING) & (sessions.known_at < known_before)
    missed = sessions.is_in({SessionStatus.NO_SHOW}) & known & ahead & (sessions.tutor >= 0)
    return (np.bincount(sessions.tutor[missed], minlength=history.n_tutors) > 0).astype(np.float64)
