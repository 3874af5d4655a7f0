"""The worker: takes events from the inbox, writes what they say, and brings the scores of whom they touch up to date.

Three transactions a batch: the claim, the facts (which doing again does not change), and the scores together with the
end of the claim. A worker that dies leaves a claim that runs out; whoever takes it over does the work again, and only
one of the two can end it, so no score is saved twice.
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
from domain.scores import Score
from insights.rates.tutor_rates import rate_scores
from jobs.scorer_cache import Scorers, history_of
from jobs.scoring import quality_scores, readable_scores
from jobs.waiting import Waits
from store.db.engine import Engine, is_in_trouble, writing
from store.facts.apply_events import Applied, apply
from store.facts.erasure import ERASED
from store.inbox.leases import LEASE, Claimed, LeaseLost, claim, fail, finish, heartbeat, park, release, wait
from store.scores.records import append_scores
from store.scores.unchanged import news

logger = logging.getLogger("tutor_quality.worker")

BATCH = 500
"""Events claimed at once: enough that the work for a tutor is shared, few enough to be done within a second or two."""

TUTORS_AT_ONCE = 200
"""So many histories stand in memory together."""

POLL_SECONDS = 2.0
"""The inbox is looked at this often even if nobody calls, for events that wait for their moment."""

EARLY = "its session is not known yet"
EARLY_AT_LEAST, EARLY_AT_MOST = timedelta(seconds=10), timedelta(hours=1)
EARLY_LIMIT = timedelta(days=7)
"""How long a transcript waits for its session before a person is asked."""


@dataclass
class Worker:
    """Works on the inbox of one database. `now` is the clock; any number of workers can run side by side.

    `beat` is called before each claim.
    """

    engine: Engine
    now: Callable[[], datetime]
    batch: int = BATCH
    lease: timedelta = LEASE
    beat: Callable[[], None] = lambda: None
    scorers: Scorers = field(init=False)
    _owed: list[tuple[list[int], UUID]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.scorers = Scorers(self.engine)

    def warm_up(self) -> None:
        """Read models and what is usual before an event is claimed: the first one should not wait for it.

        Raises DatabaseUnavailable.
        """
        self.scorers.warm_up(self.now())

    def run(self, waits: Waits, stop: threading.Event) -> None:
        """Work until told to stop; the batch at hand is finished. A database that is away is waited for."""
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
        """Work until nothing is left that is due, or told to stop. Returns how many events were finished.

        Raises DatabaseUnavailable.
        """
        done = 0
        while stop is None or not stop.is_set():
            self.beat()
            self._give_back()
            lease = uuid4()
            events = claim(self.engine, self.batch, lease, self.now(), self.lease)
            if not events:
                break
            done += self._work_through(events, lease)
        return done

    def _work_through(self, events: Sequence[Claimed], lease: UUID) -> int:
        ids = [event.id for event in events]
        try:
            with self._held(ids, lease):
                return self._work_on(events, lease)
        except DatabaseUnavailable:
            self._owed.append((ids, lease))
            raise

    def _give_back(self) -> None:
        """Events that were at hand when the database went away count as not tried."""
        while self._owed:
            release(self.engine, *self._owed[-1])
            self._owed.pop()

    def _work_on(self, events: Sequence[Claimed], lease: UUID) -> int:
        """Work on claimed events, the halves apart where they fail together. Returns how many were finished."""
        try:
            return self._process(events, lease)
        except LeaseLost as error:
            logger.warning("%s", error)
            release(self.engine, [event.id for event in events], lease)
            return 0
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if is_in_trouble(error):  # a full disk, say: no event's fault, and no event is to be parked for it
                raise DatabaseUnavailable(f"The database cannot work just now: {in_words(error)}.") from error
            if len(events) == 1:
                self._fail(events[0], lease, error)
                return 0
            logger.warning("%d events failed together and are tried apart: %s", len(events), in_words(error))
        middle = len(events) // 2
        return self._work_on(events[:middle], lease) + self._work_on(events[middle:], lease)

    def _fail(self, event: Claimed, lease: UUID, error: Exception) -> None:
        reason = in_words(error)
        parked = fail(self.engine, event, lease, reason, self.now())
        after = "parked" if parked else "will be tried again"
        logger.error("event %d (%s) failed and %s: %s", event.id, event.type, after, reason)

    @contextmanager
    def _held(self, ids: Sequence[int], lease: UUID) -> Iterator[None]:
        """The claim is kept for as long as the block takes."""
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

    def _process(self, events: Sequence[Claimed], lease: UUID) -> int:
        arrived, unreadable = _read(events)
        applied = apply(self.engine, arrived)
        as_of = self._after(arrived)  # and the facts: of two workers, the newer scores know what the other wrote
        scores, qualities = self._scores(applied, as_of)
        refused = {**unreadable, **applied.refused}
        done = [event.id for event in events if event.id not in refused and event.id not in applied.early]
        with writing(self.engine) as connection:
            append_scores(connection, [*scores, *news(connection, qualities)])
            finish(connection, done, lease, as_of)
        self._set_aside(events, refused, applied, lease)
        return len(done)

    def _after(self, arrived: Sequence[Arrived[Event]]) -> datetime:
        """Now, and after all of these were received, though it was by the clock of another machine."""
        return max([self.now(), *(one.received_at + timedelta.resolution for one in arrived)])

    def _scores(self, applied: Applied, as_of: datetime) -> tuple[list[Score], list[Score]]:
        """The scores of everybody touched, and the quality of the sessions that were held."""
        tutors, scores, qualities = sorted(applied.tutors), list[Score](), list[Score]()
        for start in range(0, len(tutors), TUTORS_AT_ONCE):
            history = history_of(self.engine, tutors[start : start + TUTORS_AT_ONCE])
            scores += readable_scores(history, self.scorers.champions(), as_of)
            scores += rate_scores(history, as_of, self.scorers.usual(as_of))
            qualities += quality_scores(history, applied.completed, as_of)
        return scores, qualities

    def _set_aside(self, events: Sequence[Claimed], refused: Mapping[int, str], applied: Applied, lease: UUID) -> None:
        now = self.now()
        for row, reason in refused.items():
            logger.error("event %d was parked: %s", row, reason)
            park(self.engine, [row], lease, reason, now)
        for event in events:
            if event.id in applied.early:
                self._let_wait(event, lease, now)

    def _let_wait(self, event: Claimed, lease: UUID, now: datetime) -> None:
        """Wait as long again as the event has waited already; in the end, ask a person."""
        waited = now - event.received_at
        if waited > EARLY_LIMIT:
            park(self.engine, [event.id], lease, EARLY, now)
        else:
            due_at = now + min(max(waited, EARLY_AT_LEAST), EARLY_AT_MOST)
            wait(self.engine, [event.id], lease, EARLY, due_at)


def in_words(error: Exception) -> str:
    """What failed, without what it failed on: a driver's message may repeat values, and those are about people."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, psycopg2.IntegrityError):
            return f"the database refused it: {cause.diag.message_primary}"
        if isinstance(cause, psycopg2.Error):
            return f"the database refused it: {type(cause).__name__}"
        cause = cause.__cause__
    return f"{type(error).__name__} in our own code"


def _read(events: Sequence[Claimed]) -> tuple[list[Arrived[Event]], dict[int, str]]:
    """The events, and a sentence for each row that holds none."""
    arrived, unreadable = [], {}
    for event in events:
        if event.body == ERASED:  # its content was erased while it waited
            continue
        try:
            arrived.append(Arrived(event.id, read_event(event.body), event.received_at))
        except InvalidEvent as error:
            unreadable[event.id] = str(error)
    return arrived, unreadable
