"""Posting webhooks to the Rails app: only to the address of the settings, whatever anybody sends us."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from gateways.rails.retry_after import asked_wait

TIMEOUT_SECONDS = 10.0
_MOST_ANSWER = 1000
_MOST_WAIT = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """What came of a post. `status_code` is None, and `error` says why, where no answer came.

    `wait` is how long the app asks us to wait before the next.
    """

    status_code: int | None
    error: str | None
    seconds: float
    wait: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the app took it."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def gone(self) -> bool:
        """Whether the app says that it never wants any again (410)."""
        return self.status_code == 410


def client() -> httpx.Client:
    """A client that checks certificates, follows no redirect and reads no proxy from the environment."""
    return httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)


def post(http: httpx.Client, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Post a body. Whatever goes wrong is in the answer."""
    began = time.monotonic()
    try:
        with http.stream("POST", url, content=body, headers={"content-type": "application/json", **headers}) as got:
            said = _beginning(got)
    except httpx.HTTPError as error:
        return Answer(None, type(error).__name__, time.monotonic() - began)
    refusal = None if got.is_success else said or None
    return Answer(got.status_code, refusal, time.monotonic() - began, asked_wait(got, _MOST_WAIT))


def _beginning(response: httpx.Response) -> str:
    """The first of what the app answers, to show to who looks for the cause; the rest is not read."""
    read, until = b"", time.monotonic() + TIMEOUT_SECONDS  # httpx bounds each wait, not their sum
    for piece in response.iter_bytes(_MOST_ANSWER):
        read += piece
        if len(read) >= _MOST_ANSWER or time.monotonic() > until:
            break
    text = read[:_MOST_ANSWER].decode(errors="replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()
