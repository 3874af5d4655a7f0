"""Delivery of webhooks to the Rails app, retried for three days (`domain.outgoing`)."""

import json
import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from uuid import UUID, uuid4

import httpx

from domain.errors import DatabaseUnavailable
from domain.outgoing import POLICIES, Channel, DeliveryStatus
from gateways.clock import utc_now
from gateways.rails.signatures import Signatures, outgoing
from gateways.rails.webhooks import PostResult, client, post
from gateways.settings import Settings
from jobs.waiting import notified
from store.db.engine import Engine
from store.outgoing.queue import Attempt, QueuedMessage, lease_due, retry_later, settle
from store.outgoing.webhooks import CHANGES_AT_ONCE, announce

logger = logging.getLogger("tutor_quality.webhooks")

POLICY = POLICIES[Channel.WEBHOOK]
AT_ONCE = 8
"""Requests in flight."""

BATCH = 2 * AT_ONCE  # two per thread, so that a batch of slow responses ends before its lease does
POLL_SECONDS = 2.0
CHANNELS = ("score_changes", "outgoing_messages")
"""PostgreSQL notification channels that wake the sender."""


@dataclass
class Sender:
    """Sender of due webhooks to one URL. `now` is the clock; `chance` returns numbers in 0..1 for the jitter."""

    engine: Engine
    url: str
    signatures: Signatures
    now: Callable[[], datetime]
    chance: Callable[[], float]
    http: httpx.Client = field(default_factory=client)

    def sweep(self, stop: threading.Event | None = None) -> int:
        """Enqueue webhooks for new score changes and send all that are due. Returns the number of attempts.

        Raises DatabaseUnavailable.
        """
        while announce(self.engine, self.now()) == CHANGES_AT_ONCE:
            pass
        sent = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
            while stop is None or not stop.is_set():
                lease = uuid4()
                due = lease_due(self.engine, Channel.WEBHOOK, lease, self.now(), BATCH)
                if not due:
                    break
                list(pool.map(self._send, due, repeat(lease)))
                sent += len(due)
        return sent

    def _send(self, message: QueuedMessage, lease: UUID) -> None:
        body = json.dumps(message.body, separators=(",", ":"))
        start = self.now()
        response = post(self.http, self.url, self.signatures.sign(message.key, body, start), body.encode())
        attempt = Attempt(start, response.status_code, response.error, response.seconds)
        if response.accepted:
            settle(self.engine, message, lease, attempt, DeliveryStatus.DELIVERED, start)
            return
        wait = None if response.gone else POLICY.retry_wait(message.tries, self.chance(), response.wait)
        if wait is None:
            logger.error("webhook %s failed after %d tries: %s", message.key, message.tries, in_words(response))
            settle(self.engine, message, lease, attempt, DeliveryStatus.FAILED, start)
        else:
            retry_later(self.engine, message, lease, attempt, self.now() + wait)


def in_words(response: PostResult) -> str:
    """Status code or error of a response, without its content."""
    if response.status_code:
        return f"the Rails app answered {response.status_code}"
    return f"no answer ({response.error})"


def sender_of(engine: Engine, settings: Settings) -> Sender | None:
    """The sender of an installation; None without TQS_RAILS_WEBHOOK_URL."""
    if settings.rails_webhook_url is None:
        return None
    return Sender(engine, settings.rails_webhook_url, outgoing(settings), utc_now, random.Random().random)


def run(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Send webhooks until `stop` is set. Waits while the database is unavailable; idle without an address."""
    sender = sender_of(engine, settings)
    if sender is None:
        stop.wait()
        return
    with notified(engine, stop, CHANNELS) as waits:
        while not stop.is_set():
            try:
                sender.sweep(stop)
            except DatabaseUnavailable as error:
                logger.error("%s", error)
                stop.wait(POLL_SECONDS)
            else:
                waits(POLL_SECONDS)
