"""Parser for durations such as `30d`, `12h`, `45m`, `10s`."""

import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SPAN = re.compile(r"(\d+)\s*([dhms])")


def parse_span(text: str) -> timedelta:
    """Parse a duration in whole days, hours, minutes or seconds. Raises ValueError stating the expected format."""
    match = _SPAN.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration: write a number and d, h, m or s, as in 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
