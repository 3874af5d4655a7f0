"""How long an app asks us to wait, by its header `Retry-After` (RFC 9110, section 10.2.3)."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx


def asked_wait(response: httpx.Response, most: timedelta) -> timedelta | None:
    """What the app asks for, at most `most`; None where it does not, or not in a way that can be read.

    A moment is compared with the app's own `Date`: its clock need not be ours.
    """
    after = response.headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return min(timedelta(seconds=int(after)), most) if len(after) < 10 else most
    until, now = _moment(after), _moment(response.headers.get("date", ""))
    return min(max(until - now, timedelta()), most) if until and now else None


def _moment(written: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(written)
    except ValueError:
        return None
    return found if found.tzinfo else None
