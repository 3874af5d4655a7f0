"""Spans of time as people write them: `30d`, `12h`, `45m`, `10s`."""

import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SPAN = re.compile(r"(\d+)\s*([dhms])")


def parse_span(text: str) -> timedelta:
    """A span in whole days, hours, minutes or seconds. Raises ValueError saying what is expected."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no span of time: write a number and d, h, m or s, as in 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
