"""Time zones by IANA name, read only from the `tzdata` package so that all machines have the same zones."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_PACKAGE = "tzdata"
_PLACEHOLDERS = frozenset({"Factory", "localtime", "posixrules"})
"""Entries of the zone database that are not the time of a place."""


@cache
def _names() -> frozenset[str]:
    return frozenset(files(_PACKAGE).joinpath("zones").read_text(encoding="utf-8").split()) - _PLACEHOLDERS


def is_time_zone(name: str) -> bool:
    """Whether `name` is the IANA name of a time zone in the `tzdata` package."""
    return name in _names()


@cache
def time_zone(name: str) -> ZoneInfo:
    """The time zone with an IANA name. Raises ValueError for a name that `is_time_zone` rejects."""
    if not is_time_zone(name):
        raise ValueError(f"{name!r} is not a time zone in the package {_PACKAGE}")
    with files(_PACKAGE).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def on_clock_of(moment: datetime, name: str | None) -> datetime:
    """Convert an aware moment to a zone; to UTC if the zone is missing or unknown."""
    return moment.astimezone(time_zone(name if name and is_time_zone(name) else "UTC"))
