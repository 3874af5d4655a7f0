"""Sender of signed requests at a fixed rate with retries, like a background job of Rails."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import numpy as np
from standardwebhooks import Webhook

from simulator.sending import Letter

TRIES = 8
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
TIMEOUT_SECONDS = 30.0
IDLE_SECONDS = 2.0
"""Maximum idle time of a connection: servers may close longer idle ones just as the next request is sent."""

PIECES, PIECE_SECONDS = 5, 0.2
LOST, CUT = "no answer", "cut by us"


@dataclass
class Posted:
    """Results of sending letters.

    `answers` counts responses by status, and attempts without one; `seconds` run from the time at which a letter was
    due, so that waiting for a slow server counts, to its first response; `given_up` are ids of letters not accepted.
    """

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        """Number of responses with status 500 and above."""
        return sum(n for status, n in self.answers.items() if status.isdigit() and int(status) >= 500)

    def percentile(self, share: float) -> float:
        """Quantile of the response time in seconds."""
        return float(np.quantile(self.seconds, share))


def post(url: str, secret: str, letters: Sequence[Letter], per_second: float, senders: int = 16) -> Posted:
    """Send all letters, starting `per_second` of them each second regardless of earlier responses.

    `senders` limits concurrent requests: sufficient while responses take less than senders / per_second.
    """
    posted, lock = Posted(), threading.Lock()
    began = time.monotonic()
    due = iter([(began + number / per_second, letter) for number, letter in enumerate(letters)])
    threads = [threading.Thread(target=_Sender(url, secret, posted, lock).run, args=(due,)) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return posted


class _Sender:
    """One of many jobs: waits until the next letter is due, and sends it until it is accepted."""

    def __init__(self, url: str, secret: str, posted: Posted, lock: threading.Lock) -> None:
        self.address, self.webhook, self.posted, self.lock = urlsplit(url), Webhook(secret), posted, lock
        self.connection, self.used_at = self._connection(), time.monotonic()

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self.address.scheme == "https" else HTTPConnection
        assert self.address.hostname
        return kind(self.address.hostname, self.address.port, timeout=TIMEOUT_SECONDS)

    def run(self, due: Iterator[tuple[float, Letter]]) -> None:
        while True:
            with self.lock:
                at, letter = next(due, (0.0, None))
            if letter is None:
                return self.connection.close()
            time.sleep(max(at - time.monotonic(), 0))
            self._deliver(letter, at)

    def _deliver(self, letter: Letter, at: float) -> None:
        answer = self._try(letter, letter.hang_up)
        if answer != CUT:
            self.posted.seconds.append(time.monotonic() - at)
        for tried in range(1, TRIES):
            if not _again(answer):
                break
            if answer != CUT:
                time.sleep(min(FIRST_WAIT * 2**tried, LONGEST_WAIT) * random.uniform(0.5, 1))
            answer = self._try(letter)
        if not answer.startswith("2"):
            self.posted.given_up.append(letter.id)

    def _try(self, letter: Letter, hang_up: bool = False) -> str:
        """Status of the response, or LOST or CUT without one."""
        if time.monotonic() - self.used_at > IDLE_SECONDS:
            self.connection.close()  # the next request reopens it
        try:
            self._send(letter)
            answer = CUT if hang_up else self._answer()
        except (OSError, HTTPException):
            answer = LOST
        if not answer.isdigit():
            self.connection.close()
        self.used_at = time.monotonic()
        with self.lock:
            self.posted.answers[answer] += 1
        return answer

    def _answer(self) -> str:
        response = self.connection.getresponse()
        response.read()
        return str(response.status)

    def _send(self, letter: Letter) -> None:
        now = datetime.now(UTC)
        self.connection.putrequest("POST", self.address.path.rstrip("/") + letter.path)
        self.connection.putheader("Content-Type", "application/json")
        self.connection.putheader("Content-Length", str(len(letter.body)))
        self.connection.putheader("webhook-id", letter.id)
        self.connection.putheader("webhook-timestamp", str(int(now.timestamp())))
        self.connection.putheader("webhook-signature", self.webhook.sign(letter.id, now, letter.body.decode()))
        self.connection.endheaders(None if letter.slow else letter.body)
        if letter.slow:
            self._trickle(letter.body)

    def _trickle(self, body: bytes) -> None:
        size = -(-len(body) // PIECES)
        for begin in range(0, len(body), size):
            time.sleep(PIECE_SECONDS)
            self.connection.send(body[begin : begin + size])


def _again(answer: str) -> bool:
    return not answer.isdigit() or answer == "429" or answer.startswith("5")
