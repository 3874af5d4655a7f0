"""Expression language of dataset files: names, durations, constants, conditions. Expressions execute no code.

    fill:     FIELD | FIELD ± SPAN | FIELD ± COLUMN days | constant
    columns:  COLUMN | COLUMN + COLUMN … | either ± SPAN
    when, filters:  OPERAND == != < <= > >= OPERAND | NAME is empty | NAME is not empty

An OPERAND is a name, a name ± SPAN, a number, a date or time, or text in quotes. Backticks quote a column name that
could be read as something else.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from domain.spans import parse_span

_SHIFTED = re.compile(r"(?P<name>.+?)\s+(?P<sign>[+-])\s*(?P<span>\d+\s*[dhms])")
_COUNTED = re.compile(r"(?P<name>.+?)\s+(?P<sign>[+-])\s+(?P<column>.*\S)\s+(?P<unit>day|hour|minute)s?")
_PLUS = re.compile(r"\s+\+\s+(?=(?:[^`]*`[^`]*`)*[^`]*$)")
_QUOTED = r"`[^`]*`|'[^']*'|\"[^\"]*\""
_COMPARISON = re.compile(rf"(?P<left>(?:{_QUOTED}|[^=!<>])+?)\s*(?P<sign>==|!=|<=|>=|<|>|=)\s*(?P<right>[^=].*)")
_EMPTINESS = re.compile(r"(?P<name>.+?)\s+is\s+(?P<not>not\s+)?empty")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T].*)?")
LONGEST = timedelta(days=36_500)
"""Longest span that is added to a time."""


@dataclass(frozen=True)
class Name:
    """A column or field by name, shifted later by a duration (earlier if negative)."""

    name: str
    shift: timedelta = timedelta(0)


@dataclass(frozen=True)
class Constant:
    """A constant as written; `quoted` if quotes mark it as text."""

    text: str
    quoted: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is an unquoted number."""
        return not self.quoted and _NUMBER.fullmatch(self.text) is not None

    @property
    def is_time(self) -> bool:
        """Whether it is an unquoted date or time."""
        return not self.quoted and _DATE.fullmatch(self.text) is not None


Operand = Name | Constant


@dataclass(frozen=True)
class ColumnSource:
    """Columns whose values are joined, or a single one, shifted later by a duration (earlier if negative)."""

    columns: tuple[str, ...]
    shift: timedelta = timedelta(0)

    @property
    def name(self) -> str:
        """The columns as written in the dataset file."""
        return " + ".join(self.columns)


@dataclass(frozen=True)
class CountedShift:
    """A time field shifted by a number of units, such as days, that a column holds."""

    name: str
    column: str
    unit: timedelta


Fill = Operand | CountedShift


@dataclass(frozen=True)
class ComparisonCondition:
    """Two operands and a comparison operator."""

    left: Operand
    sign: str
    right: Operand

    @property
    def names(self) -> tuple[str, ...]:
        """Columns and fields that are compared."""
        return tuple(side.name for side in (self.left, self.right) if isinstance(side, Name))


@dataclass(frozen=True)
class EmptinessCondition:
    """A test whether a column or field is empty."""

    name: str
    empty: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The column or field that is tested."""
        return (self.name,)


Condition = ComparisonCondition | EmptinessCondition


def shifted_name(text: str) -> Name:
    """Parse `NAME` or `NAME ± SPAN`. Raises ValueError for a span of more than a hundred years."""
    match = _SHIFTED.fullmatch(text.strip())
    if not match:
        return Name(_unquoted(text.strip()))
    try:
        span = parse_span(match["span"])
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError(f"`{match['span']}` is longer than a hundred years")
    return Name(_unquoted(match["name"]), -span if match["sign"] == "-" else span)


def column_source(text: str, columns: Collection[str]) -> ColumnSource:
    """Parse `COLUMN`, `COLUMN + COLUMN` or either ± SPAN. Raises ValueError for a span of more than a hundred years."""
    if text in columns:
        return ColumnSource((text,))
    named = shifted_name(text)
    if named.name in columns:
        return ColumnSource((named.name,), named.shift)
    return ColumnSource(tuple(_unquoted(part.strip()) for part in _PLUS.split(named.name)), named.shift)


def counted_shift(text: str) -> CountedShift | None:
    """Parse `FIELD ± COLUMN days` (or hours, minutes); None for any other text."""
    match = _COUNTED.fullmatch(text.strip())
    if not match or match["column"].isdigit():
        return None
    unit = timedelta(**{f"{match['unit']}s": 1 if match["sign"] == "+" else -1})
    return CountedShift(_unquoted(match["name"]), _unquoted(match["column"]), unit)


def condition(text: str) -> Condition:
    """Parse a filter. Raises ValueError with an example."""
    if match := _EMPTINESS.fullmatch(text.strip()):
        return EmptinessCondition(_unquoted(match["name"]), empty=not match["not"])
    if match := _COMPARISON.fullmatch(text.strip()):
        comparison = ComparisonCondition(
            _operand(match["left"]), match["sign"].replace("==", "="), _operand(match["right"])
        )
        if comparison.names:
            return comparison
    raise ValueError(
        f"`{text}` is not a condition; write one such as `Age >= 0`, `status != 'cancelled'` or `Age is not empty`"
    )


def _operand(text: str) -> Operand:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return Constant(text[1:-1], quoted=True)
    constant = Constant(text)
    return constant if constant.is_number or constant.is_time else shifted_name(text)


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] == "`" and "`" not in name[1:-1] else name
