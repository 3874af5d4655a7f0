"""Worker of the inbox: applies events to the tables and updates the scores of the tutors concerned.

Three transactions per batch: the lease, the facts (idempotent), and the scores together with the end of the lease. The
lease of a worker that dies expires; another worker repeats the work. Only one of the two can end the lease, so no score
is stored twice.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg2

from domain.errors import DatabaseUnavailable, InvalidEvent
from domain.events.events import Event
from domain.events.order import Arrived, read_event
from domain.leases import LEASE, early_wait
from domain.scores import Score
from insights.rates.tutor_rates import rate_scores
from jobs.scorer_cache import Scorers
from jobs.scoring import quality_scores, readable_scores
from jobs.waiting import Waits
from store.db.engine import Engine, is_in_trouble, writing
from store.facts.apply_events import Applied, apply
from store.facts.erasure import ERASED
from store.inbox.leases import Leased, LeaseLost, fail, finish, heartbeat, lease_events, park, release, wait
from store.scores.records import append_scores
from store.scores.unchanged import news

logger = logging.getLogger("tutor_quality.worker")

BATCH = 500
"""Events leased at once: enough to share the work per tutor, few enough to finish within a second or two."""

TUTORS_AT_ONCE = 200
"""Histories in memory at once."""

POLL_SECONDS = 2.0
"""Interval at which the inbox is checked without a notification, for events that become due."""

EARLY = "its session is not known yet"
"""Reason for a transcript that waits for its session."""


@dataclass
class Worker:
    """Worker on the inbox of one database; any number can run concurrently.

    `now` is the clock. `beat` is called before each lease.
    """

    engine: Engine
    now: Callable[[], datetime]
    batch: int = BATCH
    lease: timedelta = LEASE
    beat: Callable[[], None] = lambda: None
    scorers: Scorers = field(init=False)
    _unreleased: list[tuple[list[int], UUID]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.scorers = Scorers(self.engine)

    def warm_up(self) -> None:
        """Load models and priors before the first event is leased, so that it does not wait for them.

        Raises DatabaseUnavailable.
        """
        self.scorers.warm_up(self.now())

    def run(self, waits: Waits, stop: threading.Event) -> None:
        """Work until `stop` is set; the current batch is finished. Waits while the database is unavailable."""
        while not stop.is_set():
            try:
                self.warm_up()
                self.drain(stop)
            except DatabaseUnavailable as error:
                logger.error("%s", error)
                stop.wait(POLL_SECONDS)
            else:
                waits(POLL_SECONDS)

    def drain(self, stop: threading.Event | None = None) -> int:
        """Work until no event is due or `stop` is set. Returns the number of finished events.

        Raises DatabaseUnavailable.
        """
        finished = 0
        while stop is None or not stop.is_set():
            self.beat()
            self._release_unfinished()
            lease = uuid4()
            events = lease_events(self.engine, self.batch, lease, self.now(), self.lease)
            if not events:
                break
            finished += self._work_through(events, lease)
        return finished

    def _work_through(self, events: Sequence[Leased], lease: UUID) -> int:
        ids = [event.id for event in events]
        try:
            with self._heartbeats(ids, lease):
                return self._work_on(events, lease)
        except DatabaseUnavailable:
            self._unreleased.append((ids, lease))
            raise

    def _release_unfinished(self) -> None:
        """Release events that were leased when the database became unavailable, without counting their try."""
        while self._unreleased:
            release(self.engine, *self._unreleased[-1])
            self._unreleased.pop()

    def _work_on(self, events: Sequence[Leased], lease: UUID) -> int:
        """Process events, in halves if they fail together. Returns the number of finished events."""
        try:
            return self._process(events, lease)
        except LeaseLost as error:
            logger.warning("%s", error)
            release(self.engine, [event.id for event in events], lease)
            return 0
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if is_in_trouble(error):  # such as a full disk: no event is parked for it
                raise DatabaseUnavailable(f"The database cannot work just now: {in_words(error)}.") from error
            if len(events) == 1:
                self._fail(events[0], lease, error)
                return 0
            logger.warning("%d events failed together and are processed in halves: %s", len(events), in_words(error))
        middle = len(events) // 2
        return self._work_on(events[:middle], lease) + self._work_on(events[middle:], lease)

    def _fail(self, event: Leased, lease: UUID, error: Exception) -> None:
        reason = in_words(error)
        parked = fail(self.engine, event, lease, reason, self.now())
        consequence = "was parked" if parked else "will be retried"
        logger.error("event %d (%s) failed and %s: %s", event.id, event.type, consequence, reason)

    @contextmanager
    def _heartbeats(self, ids: Sequence[int], lease: UUID) -> Iterator[None]:
        """Extend the lease by heartbeats for the length of the block."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.lease.total_seconds() / 3):
                try:
                    heartbeat(self.engine, ids, lease, self.now(), self.lease)
                except DatabaseUnavailable as error:
                    logger.warning("%s", error)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _process(self, events: Sequence[Leased], lease: UUID) -> int:
        arrived, unreadable = _read(events)
        applied = apply(self.engine, arrived)
        as_of = self._after(arrived)  # after the facts, so of two workers the newer scores include what the other wrote
        scores, qualities = self._scores(applied, as_of)
        rejected = {**unreadable, **applied.rejected}
        done = [event.id for event in events if event.id not in rejected and event.id not in applied.early]
        with writing(self.engine) as connection:
            append_scores(connection, [*scores, *news(connection, qualities)])
            finish(connection, done, lease, as_of)
        self._set_aside(events, rejected, applied, lease)
        return len(done)

    def _after(self, arrived: Sequence[Arrived[Event]]) -> datetime:
        """Now, or just after the last receipt if the clock of another machine is ahead."""
        return max([self.now(), *(one.received_at + timedelta.resolution for one in arrived)])

    def _scores(self, applied: Applied, as_of: datetime) -> tuple[list[Score], list[Score]]:
        """Scores of the tutors concerned, and the quality of completed sessions."""
        tutors, scores, qualities = sorted(applied.tutors), list[Score](), list[Score]()
        for start in range(0, len(tutors), TUTORS_AT_ONCE):
            history = self.scorers.history_of(tutors[start : start + TUTORS_AT_ONCE])
            scores += readable_scores(history, self.scorers.champions(), as_of)
            scores += rate_scores(history, as_of, self.scorers.rate_priors(as_of))
            qualities += quality_scores(history, applied.completed, as_of)
        return scores, qualities

    def _set_aside(self, events: Sequence[Leased], rejected: Mapping[int, str], applied: Applied, lease: UUID) -> None:
        """Park rejected events; release early ones."""
        now = self.now()
        for row, reason in rejected.items():
            logger.error("event %d was parked: %s", row, reason)
            park(self.engine, [row], lease, reason, now)
        for event in events:
            if event.id in applied.early:
                self._let_wait(event, lease, now)

    def _let_wait(self, event: Leased, lease: UUID, now: datetime) -> None:
        """Release an event whose session is not known yet, or park it after a week."""
        length = early_wait(now - event.received_at)
        if length is None:
            park(self.engine, [event.id], lease, EARLY, now)
        else:
            wait(self.engine, [event.id], lease, EARLY, now + length)


def in_words(error: Exception) -> str:
    """Description of a failure without data: a driver's message may repeat values about people."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, psycopg2.IntegrityError):
            return f"the database refused it: {cause.diag.message_primary}"
        if isinstance(cause, psycopg2.Error):
            return f"the database refused it: {type(cause).__name__}"
        cause = cause.__cause__
    return f"{type(error).__name__} in our own code"


def _read(events: Sequence[Leased]) -> tuple[list[Arrived[Event]], dict[int, str]]:
    """Parsed events, and the reason for each row that cannot be parsed."""
    arrived, unreadable = [], {}
    for event in events:
        if event.body == ERASED:  # its content was erased while it waited
            continue
        try:
            arrived.append(Arrived(event.id, read_event(event.body), event.received_at))
        except InvalidEvent as error:
            unreadable[event.id] = str(error)
    return arrived, unreadable
