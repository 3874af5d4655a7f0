"""Rules for single values and for pairs of moments: ranges, text rules, years, tolerances.

The event models, the import and the generated rules of the Ruby client all read these declarations.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache


@dataclass(frozen=True)
class Range:
    """Lowest and highest number allowed, both included."""

    low: float
    high: float

    @property
    def sentence(self) -> str:
        """Error for a number outside the range."""
        return f"must be from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class TextRule:
    """Limits of a text: length in characters, forbidden characters, refused values.

    `forbidden` is the inside of a regular-expression character class, in a syntax that Python, RE2 and Ruby share.
    """

    forbidden: str
    detail: str
    longest: int | None = None
    shortest: int = 0
    refused: tuple[str, ...] = ()

    def problem(self, text: str) -> str | None:
        """Error for a text, apart from its length; None if valid."""
        if _class(self.forbidden).search(text):
            return self.detail
        if _UNPAIRED.search(text):
            return UNPAIRED
        if text in self.refused:
            return self.refused_detail
        if self.shortest and text.isspace():
            return BLANK
        return None

    @property
    def too_long(self) -> str:
        """Error for a text above the length limit."""
        return f"must have at most {self.longest} characters"

    @property
    def refused_detail(self) -> str:
        """Error for a refused value."""
        return f"must not be {' or '.join(self.refused)}: it cannot be part of an address"

    @property
    def pattern(self) -> str:
        """JSON Schema pattern that a valid text matches, apart from its length."""
        refused = "|".join(re.escape(value) for value in self.refused)
        ahead = (f"(?!(?:{refused})$)" if refused else "") + (r"(?=.*\S)" if self.shortest else "")
        return f"^{ahead}[^{self.forbidden}]*$"


BLANK = "must not be blank"
UNPAIRED = "contains an unpaired surrogate, which is half of a character: send UTF-8"
"""JSON can encode half of a character as an escape, and no database can store it."""

_UNPAIRED = re.compile("[\ud800-\udfff]")

_LINE_BREAKS_AND_CONTROLS = "\\x00-\\x1f\\x7f-\\x9f\u2028\u2029"
_DIRECTION_OVERRIDES = "\u202a-\u202e\u2066-\u2069"
_UNPRINTABLE = _LINE_BREAKS_AND_CONTROLS + _DIRECTION_OVERRIDES
_NO_CONTROLS = "must not contain control characters, line breaks or text direction overrides"
_IN_NO_ADDRESS = (".", "..")

ID = TextRule(_UNPRINTABLE, _NO_CONTROLS, longest=200, shortest=1, refused=_IN_NO_ADDRESS)
"""An id of a record."""

ADDRESS_ID = TextRule(
    "/" + _UNPRINTABLE,
    "must not contain slashes, control characters, line breaks or text direction overrides: it is part of addresses",
    longest=200,
    shortest=1,
    refused=_IN_NO_ADDRESS,
)
"""An id that is part of an address, such as `/api/tutors/{tutor_id}/scores`."""

NAME = TextRule(_UNPRINTABLE, _NO_CONTROLS, longest=500)
"""A name or mail address on one line."""

REASON = TextRule("\\x00", "must not contain a NUL character", longest=10_000)
"""A written reason: several lines are allowed."""

FREE_TEXT = TextRule("\\x00", "must not contain a NUL character")
"""A text without a length limit of its own."""

ATTRIBUTE_TEXT = TextRule("\\x00", "must not contain a NUL character", longest=1000)
"""A categorical attribute of a session or tutor."""

MINUTES = Range(0, 100_000)
RATING = Range(1, 5)

FIRST_YEAR, LAST_YEAR = 2000, 2100
EARLIEST, END = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
"""Accepted moments are from EARLIEST up to, but not including, END."""

OUT_OF_YEARS = f"must be between the years {FIRST_YEAR} and {LAST_YEAR}"
UNKNOWN_ZONE = (
    "is not a time zone: give an IANA name such as Europe/Berlin (in Rails: ActiveSupport::TimeZone[name].tzinfo.name)"
)

EARLY_OUTCOME = timedelta(minutes=15)
"""Time before its start at which a session may be completed or missed: clocks differ, some sessions begin early."""

OUTCOME_TOO_EARLY = "is more than 15 minutes before starts_at: only a cancellation is known before the session starts"


@cache
def _class(characters: str) -> re.Pattern[str]:
    return re.compile(f"[{characters}]")


def is_in_our_time(moment: datetime) -> bool:
    """Whether a moment is within the accepted years: microseconds since 1970 fit, and typing errors are noticed."""
    return EARLIEST <= moment < END


def is_before_start(moment: datetime, starts_at: datetime) -> bool:
    """Whether an outcome at `moment` is too early for a session that starts at `starts_at`."""
    return moment < starts_at - EARLY_OUTCOME
