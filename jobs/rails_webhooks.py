"""Sending webhooks to the Rails app: as soon as something changed, and again for three days if it is not taken."""

import json
import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import repeat
from uuid import UUID, uuid4

import httpx

from domain.errors import DatabaseUnavailable
from gateways.clock import utc_now
from gateways.rails.signatures import Signatures, outgoing
from gateways.rails.webhooks import PostResult, client, post
from gateways.settings import Settings
from jobs.waiting import called
from store.db.engine import Engine
from store.outgoing.webhooks import CHANGES_AT_ONCE, Attempt, Due, again, announce, claim_due, delivered, given_up

logger = logging.getLogger("tutor_quality.webhooks")

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long to wait after each failure, as Standard Webhooks advises: ten attempts in a little over three days."""

JITTER = 0.2
"""Share by which a wait may be longer, so that what failed together does not come again together."""

AT_ONCE = 8
BATCH = 2 * AT_ONCE  # two each, so that a batch of slow answers is over before its lease is
LEASE = timedelta(minutes=2)
POLL_SECONDS = 2.0
CHANNELS = ("score_changes", "webhook_deliveries")


@dataclass
class Sender:
    """Sends what is due to one address. `now` is the clock, `chance` gives numbers in 0..1."""

    engine: Engine
    url: str
    signatures: Signatures
    now: Callable[[], datetime]
    chance: Callable[[], float]
    http: httpx.Client = field(default_factory=client)

    def sweep(self, stop: threading.Event | None = None) -> int:
        """Write down what changed, and send all that is due. Returns how many were sent, taken or not.

        Raises DatabaseUnavailable.
        """
        while announce(self.engine, self.now()) == CHANGES_AT_ONCE:
            pass
        sent = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
            while stop is None or not stop.is_set():
                lease = uuid4()
                due = claim_due(self.engine, lease, self.now(), LEASE, BATCH)
                if not due:
                    break
                list(pool.map(self._send, due, repeat(lease)))
                sent += len(due)
        return sent

    def _send(self, due: Due, lease: UUID) -> None:
        body = json.dumps(due.body, separators=(",", ":"))
        began = self.now()
        answer = post(self.http, self.url, self.signatures.sign(due.event_id, body, began), body.encode())
        attempt = Attempt(began, answer.status_code, answer.error, answer.seconds)
        if answer.accepted:
            delivered(self.engine, due, lease, attempt)
        elif answer.gone or due.tries > len(WAITS):
            logger.error("webhook %s was given up after %d tries: %s", due.event_id, due.tries, in_words(answer))
            given_up(self.engine, due, lease, attempt)
        else:
            again(self.engine, due, lease, attempt, self.now() + self._wait(due, answer))

    def _wait(self, due: Due, answer: PostResult) -> timedelta:
        """How long until the next try: longer each time, and never shorter than the app asks for."""
        wait = WAITS[due.tries - 1] * (1 + JITTER * self.chance())
        return max(wait, answer.wait or timedelta())


def in_words(answer: PostResult) -> str:
    """What the Rails app said, without its words."""
    return f"the Rails app answered {answer.status_code}" if answer.status_code else f"no answer ({answer.error})"


def sender_of(engine: Engine, settings: Settings) -> Sender | None:
    """The sender of an installation; None where no address is set."""
    if settings.rails_webhook_url is None:
        return None
    return Sender(engine, settings.rails_webhook_url, outgoing(settings), utc_now, random.Random().random)


def run(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Send as changes come, until told to stop. A database that is away is waited for; no address, nothing to do."""
    sender = sender_of(engine, settings)
    if sender is None:
        stop.wait()
        return
    with called(engine, stop, CHANNELS) as waits:
        while not stop.is_set():
            try:
                sender.sweep(stop)
            except DatabaseUnavailable as error:
                logger.error("%s", error)
                stop.wait(POLL_SECONDS)
            else:
                waits(POLL_SECONDS)
