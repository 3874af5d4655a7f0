"""Time formats of dataset files, and the check that a format loses no part of a time."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from domain.wording import did_you_mean, shown

NAMED: Mapping[str, str] = MappingProxyType(
    {
        "excel": "days since 1899-12-30, as Excel counts them, such as 46082.5",
        "excel_1904": "days since 1904-01-01, as Excel for Mac counted them, such as 44620.5",
        "epoch_s": "seconds since 1970-01-01 UTC, such as 1772357400",
        "epoch_ms": "milliseconds since 1970-01-01 UTC, such as 1772357400000",
    }
)
"""Formats of numeric times, by their name in `formats`."""

_SAMPLES = (datetime(2016, 4, 29, 18, 38, 8, tzinfo=UTC), datetime(2023, 11, 3, 7, 5, 0, tzinfo=UTC))
_KNOWN = frozenset("aAwdbBmyYHIpMSfzZjUWcxXGuV%")
_SIGN = re.compile(r"%(.)", re.DOTALL)
_LITERAL_ZONE = re.compile(r"(?:\bUTC|\bGMT|(?<![A-Za-z])Z|(?<=[\dSMHf])Z)(?![A-Za-z])|[+-]\d\d:?\d\d")
_ZERO_OFFSET = re.compile(r"[+-]00:?00")
_OTHER_TOOLS = {
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "D": "%m/%d/%y",
    "e": "%d",
    "k": "%H",
    "l": "%I",
    "L": "%f",
    "s": "the format epoch_s",
    "-": "the sign without `-`, which accepts one digit or two",
}
_YEAR, _MONTH, _DAY = {"Y", "y", "G", "c", "x"}, {"m", "b", "B", "j", "c", "x"}, {"d", "j", "c", "x"}


def format_problem(pattern: str, zone: str) -> str | None:
    """Error for a format that cannot be used for times in that zone, with the remedy; None for a valid one."""
    if pattern in NAMED:
        return None
    if "%" not in pattern:
        hint = did_you_mean(pattern, NAMED, cutoff=0.6)
        return f"`{shown(pattern)}` is not a time format{hint or f'; {_EXAMPLE}, or {_NAMES}'}"
    signs = _SIGN.findall(pattern)
    return (
        _foreign_sign(pattern, signs)
        or _hour_problem(pattern, set(signs))
        or _zone_problem(pattern, signs, zone)
        or _date_problem(pattern, set(signs))
        or _unreadable(pattern)
    )


_EXAMPLE = "write one such as %d.%m.%Y %H:%M"
_NAMES = "one of " + ", ".join(NAMED)


def _foreign_sign(pattern: str, signs: list[str]) -> str | None:
    unknown = next((sign for sign in signs if sign not in _KNOWN), None)
    if unknown in _OTHER_TOOLS:
        return f"`{shown(pattern)}`: `%{unknown}` is not supported; write {_OTHER_TOOLS[unknown]}"
    return f"`{shown(pattern)}` is not a time format; {_EXAMPLE}" if unknown else None


def _hour_problem(pattern: str, signs: set[str]) -> str | None:
    if "I" in signs and "p" not in signs:
        return f"`{shown(pattern)}`: %I without %p is ambiguous (AM or PM); add %p, or write %H for 24 hours"
    if "p" in signs and "I" not in signs:
        return f"`{shown(pattern)}`: %p has an effect only with %I, so 09:30 PM would become 09:30; write %I for %H"
    if {"M", "S"} & signs and not {"H", "I"} & signs:
        return f"`{shown(pattern)}` has minutes or seconds but no hour; add %H"
    return None


def _zone_problem(pattern: str, signs: list[str], zone: str) -> str | None:
    if "Z" in signs:
        return f"`{shown(pattern)}`: %Z is not supported, since names of zones are ambiguous; write %z for +0200 or Z"
    literal = _LITERAL_ZONE.search(_SIGN.sub(lambda sign: "f" if sign[1] != "%" else " ", pattern))
    if not literal or (zone == "UTC" and (literal[0][0] not in "+-" or _ZERO_OFFSET.fullmatch(literal[0]))):
        return None
    instead = "write %z instead" if literal[0] not in ("UTC", "GMT") else "write `timezone: UTC`"
    return f"`{shown(pattern)}`: `{literal[0]}` would be ignored and the time read in {zone}; {instead}"


def _date_problem(pattern: str, signs: set[str]) -> str | None:
    parts = {"year (%Y)": _YEAR, "month (%m)": _MONTH, "day (%d)": _DAY}
    missing = [part for part, known in parts.items() if not signs & known]
    return f"`{shown(pattern)}` is not a time format: it has no {' and no '.join(missing)}" if missing else None


def _unreadable(pattern: str) -> str | None:
    """Error for a format that does not parse the dates it has formatted."""
    try:
        if all(datetime.strptime(m.strftime(pattern), pattern).date() == m.date() for m in _SAMPLES):
            return None
    except ValueError:
        pass
    return f"`{shown(pattern)}` is not a time format; {_EXAMPLE}"
