"""Time zones by their IANA names, read from the `tzdata` package only: every machine knows the same zones."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_PACKAGE = "tzdata"
_PLACEHOLDERS = frozenset({"Factory", "localtime", "posixrules"})
"""Entries of a zone database that are no place's time."""


@cache
def _names() -> frozenset[str]:
    return frozenset(files(_PACKAGE).joinpath("zones").read_text(encoding="utf-8").split()) - _PLACEHOLDERS


def is_time_zone(name: str) -> bool:
    """Whether it is the IANA name of a time zone that can be computed with here."""
    return name in _names()


@cache
def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError for a name that `is_time_zone` refuses."""
    if not is_time_zone(name):
        raise ValueError(f"{name!r} is not a time zone of the package {_PACKAGE}")
    with files(_PACKAGE).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def on_clock_of(moment: datetime, name: str | None) -> datetime:
    """An aware moment on the clock of a zone; on UTC where the zone is missing or unknown."""
    return moment.astimezone(time_zone(name if name and is_time_zone(name) else "UTC"))
