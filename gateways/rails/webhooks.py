"""HTTP client for webhooks to the Rails app; the address comes from the settings only, never from received data."""

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
class PostResult:
    """Result of a POST. Without a response `status_code` is None and `error` holds the reason.

    `wait` is the delay that the app requests before the next attempt.
    """

    status_code: int | None
    error: str | None
    seconds: float
    wait: timedelta | None = None

    @property
    def accepted(self) -> bool:
        """Whether the app accepted the webhook (2xx)."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def gone(self) -> bool:
        """Whether the app refuses all further webhooks (410)."""
        return self.status_code == 410


def client() -> httpx.Client:
    """HTTP client that verifies certificates, follows no redirects and ignores proxies of the environment."""
    return httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)


def post(http: httpx.Client, url: str, headers: Mapping[str, str], body: bytes) -> PostResult:
    """POST a body. Errors are part of the result; none is raised."""
    began = time.monotonic()
    try:
        sent = {"content-type": "application/json", **headers}
        with http.stream("POST", url, content=body, headers=sent) as response:
            excerpt = _beginning(response)
    except httpx.HTTPError as error:
        return PostResult(None, type(error).__name__, time.monotonic() - began)
    refusal = None if response.is_success else excerpt or None
    return PostResult(response.status_code, refusal, time.monotonic() - began, asked_wait(response, _MOST_WAIT))


def _beginning(response: httpx.Response) -> str:
    """First characters of the response, shown for diagnosis; the rest is not read."""
    read, until = b"", time.monotonic() + TIMEOUT_SECONDS  # httpx limits each wait, not their sum
    for piece in response.iter_bytes(_MOST_ANSWER):
        read += piece
        if len(read) >= _MOST_ANSWER or time.monotonic() > until:
            break
    text = read[:_MOST_ANSWER].decode(errors="replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()
