"""Parser for the response header `Retry-After` (RFC 9110, section 10.2.3)."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx


def asked_wait(response: httpx.Response, most: timedelta) -> timedelta | None:
    """Wait requested by the app, at most `most`; None if the header is missing or malformed.

    A date is compared with the app's own `Date` header, since its clock may differ from the local one.
    """
    after = response.headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return min(timedelta(seconds=int(after)), most) if len(after) < 10 else most
    until, now = _moment(after), _moment(response.headers.get("date", ""))
    return min(max(until - now, timedelta()), most) if until and now else None


def _moment(written: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
