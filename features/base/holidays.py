"""Public holidays of the country of a time zone, computed offline."""

from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np

from features.base.array_types import Days, Ints, Values

EPOCH = date(1970, 1, 1).toordinal()


def is_holiday(days: Days, zone_codes: Ints, zones: list[str]) -> Values:
    """1 for a public holiday, 0 for another day, NaN where the country is unknown: (n,).

    `days` (n,) are local days since 1970; `zone_codes` (n,) are positions in `zones`, -1 for no zone.
    """
    flags = np.full(days.size, np.nan)
    for code, zone in enumerate(zones):
        country = country_of(zone)
        rows = np.flatnonzero(zone_codes == code)
        if country is None or not rows.size:
            continue
        first = int(days[rows].min())
        flags[rows] = _calendar(country, first, int(days[rows].max()))[days[rows] - first]
    return flags


def _calendar(country: str, first: int, last: int) -> Values:
    """1, 0 or NaN (no calendar) for each day from `first` to `last`."""
    known = np.full(last - first + 1, np.nan)
    for year in range(_day(first).year, _day(last).year + 1):
        off = _days_off(country, year)
        begin, end = (date(year, *edge).toordinal() - EPOCH - first for edge in ((1, 1), (12, 31)))
        if off:
            known[max(begin, 0) : end + 1] = 0
            known[[day - first for day in off if first <= day <= last]] = 1
    return known


@cache
def _days_off(country: str, year: int) -> tuple[int, ...]:
    """Nationwide holidays of a year as days since 1970; empty for a country that `holidays` does not support."""
    import holidays  # imported here: it takes half a second, and most requests do not need it

    try:
        listed = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return ()
    return tuple(sorted(day.toordinal() - EPOCH for day in listed))


def _day(day: int) -> date:
    return date.fromordinal(EPOCH + day)


def country_of(zone: str) -> str | None:
    """Two-letter country of an IANA time zone, older names included; None for UTC and other zones without a country."""
    countries, links = _countries(), _links()
    return countries.get(zone) or countries.get(links.get(zone, ""))


@cache
def _countries() -> dict[str, str]:
    """Country by zone, from tzdata."""
    lines = [line.split("\t") for line in _lines("zone.tab") if not line.startswith("#")]
    return {zone.strip(): country for country, _, zone, *_ in lines}


@cache
def _links() -> dict[str, str]:
    """Zone by its older name, from tzdata: Asia/Calcutta is Asia/Kolkata."""
    return {line.split()[2]: line.split()[1] for line in _lines("tzdata.zi") if line.startswith("L ")}


def _lines(name: str) -> list[str]:
    return files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8").splitlines()
