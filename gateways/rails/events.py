"""Client for the Rails app's event API, used to fetch events that were never received."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import stamina
from pydantic import BaseModel, ConfigDict, ValidationError
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from domain.errors import InvalidSettings, RailsUnavailable
from gateways.rails.retry_after import asked_wait
from gateways.settings import Settings

PATH = "/tutor_quality/events"
PAGE = 500
ATTEMPTS = 5
LONGEST_WAIT = timedelta(seconds=60)
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class EventPage(BaseModel):
    """A page of events, oldest first, each as it would be sent as a webhook; `next_cursor` requests the next page."""

    model_config = ConfigDict(frozen=True)

    events: tuple[dict[str, Any], ...]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Rails:
    """A Rails app that serves `GET /tutor_quality/events?since=…&until=…&cursor=…&limit=…`."""

    http: httpx.Client
    url: str

    def pages(self, since: datetime, until: datetime | None = None, cursor: str | None = None) -> Iterator[EventPage]:
        """All pages of events from `since` on, optionally before `until`, optionally starting at a cursor.

        Transient errors are retried up to ATTEMPTS times, with exponential backoff or the app's `Retry-After`.
        Raises RailsUnavailable.
        """
        seen = {cursor}
        while True:
            page = self._page(since, until, cursor)
            yield page
            if page.next_cursor is None:
                return
            if page.next_cursor in seen:
                raise RailsUnavailable(
                    f"The Rails app returned the cursor {page.next_cursor} twice: paging would never end. See its log."
                )
            cursor = page.next_cursor
            seen.add(cursor)

    def _page(self, since: datetime, until: datetime | None, cursor: str | None) -> EventPage:
        params = {"since": since.isoformat(), "until": until and until.isoformat(), "cursor": cursor, "limit": PAGE}
        try:
            response = self._get({name: value for name, value in params.items() if value is not None})
            return EventPage.model_validate_json(response.content)
        except httpx.HTTPStatusError as error:
            raise RailsUnavailable(
                f"The Rails app returns {error.response.status_code} at {self.url}{PATH}. {_advice(error.response)}"
            ) from None
        except httpx.HTTPError as error:
            raise RailsUnavailable(
                f"The Rails app does not respond at {self.url} ({type(error).__name__}). Correct TQS_RAILS_URL."
            ) from None
        except ValidationError:
            raise RailsUnavailable(
                f"The Rails app's response at {self.url}{PATH} is not a page of events: "
                '{"events": […], "next_cursor": …} is expected, see docs/rails.md.'
            ) from None

    @stamina.retry(on=lambda error: _wait(error), attempts=ATTEMPTS, timeout=None)
    def _get(self, params: dict[str, Any]) -> httpx.Response:
        return self.http.get(f"{self.url}{PATH}", params=params).raise_for_status()


@contextmanager
def connected(settings: Settings) -> Iterator[Rails]:
    """Client for the Rails app of the settings. Raises InvalidSettings if none is set."""
    if settings.rails_url is None:
        raise InvalidSettings("TQS_RAILS_URL: set the address of the Rails app, such as https://app.example.org")
    headers = {"Authorization": f"Bearer {settings.rails_token}"} if settings.rails_token else {}
    # Redirects are not followed: the token is for this address.
    with httpx.Client(headers=headers, timeout=30, follow_redirects=False) as http:
        yield Rails(http, settings.rails_url.rstrip("/"))


def tell_of_waiting(say: Callable[[str], None]) -> None:
    """Report every failed attempt that will be retried: the app's response and the wait before the retry."""

    def hook(details: RetryDetails) -> None:
        error = details.caused_by
        status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
        outcome = f"returns {status}" if status else "does not respond"
        say(f"the Rails app {outcome}; retry in {details.wait_for:.1f} s")

    set_on_retry_hooks([hook])


def _wait(error: Exception) -> bool | timedelta:
    """Whether to retry, or how long to wait before it if the app sends `Retry-After`."""
    if not isinstance(error, httpx.HTTPStatusError):
        return isinstance(error, httpx.TransportError)
    if error.response.status_code not in _AGAIN:
        return False
    wait = asked_wait(error.response, LONGEST_WAIT)
    return True if wait is None else wait


def _advice(response: httpx.Response) -> str:
    if response.status_code in {401, 403}:
        return "Correct TQS_RAILS_TOKEN."
    if response.status_code == 404:
        return "Correct TQS_RAILS_URL, or add the route described in docs/rails.md."
    return "Check its log, then retry."
