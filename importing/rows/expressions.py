"""The small language of dataset files: names, spans of time, constants, conditions. Nothing in it can be executed.

    fill:     FIELD | FIELD ± SPAN | constant
    columns:  COLUMN | COLUMN ± SPAN
    filters:  OPERAND == != < <= > >= OPERAND | NAME is empty | NAME is not empty

An OPERAND is a name, a name ± SPAN, a number, a date or time, or text in quotes. Backticks stand around a column's
name that could be read as something else.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from domain.spans import parse_span

_SHIFTED = re.compile(r"(?P<name>.+?)\s+(?P<sign>[+-])\s*(?P<span>\d+\s*[dhms])")
_QUOTED = r"`[^`]*`|'[^']*'|\"[^\"]*\""
_COMPARISON = re.compile(rf"(?P<left>(?:{_QUOTED}|[^=!<>])+?)\s*(?P<sign>==|!=|<=|>=|<|>|=)\s*(?P<right>[^=].*)")
_EMPTINESS = re.compile(r"(?P<name>.+?)\s+is\s+(?P<not>not\s+)?empty")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T].*)?")
_LONGEST = timedelta(days=36_500)


@dataclass(frozen=True)
class Name:
    """A column or field by name, a span of time later (or, below zero, earlier)."""

    name: str
    shift: timedelta = timedelta(0)


@dataclass(frozen=True)
class Constant:
    """A constant as written; `quoted` if its quotes say that it is text."""

    text: str
    quoted: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is a number, not the text of one."""
        return not self.quoted and _NUMBER.fullmatch(self.text) is not None

    @property
    def is_time(self) -> bool:
        """Whether it is a date or time, not the text of one."""
        return not self.quoted and _DATE.fullmatch(self.text) is not None


Operand = Name | Constant


@dataclass(frozen=True)
class Comparison:
    """Two operands and the sign between them."""

    left: Operand
    sign: str
    right: Operand

    @property
    def names(self) -> tuple[str, ...]:
        """The columns and fields it compares."""
        return tuple(side.name for side in (self.left, self.right) if isinstance(side, Name))


@dataclass(frozen=True)
class Emptiness:
    """Whether a column or field has a value."""

    name: str
    empty: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The one column or field it asks for."""
        return (self.name,)


Condition = Comparison | Emptiness


def shifted_name(text: str) -> Name:
    """`NAME` or `NAME ± SPAN`. Raises ValueError for a span of more than a hundred years."""
    found = _SHIFTED.fullmatch(text.strip())
    if not found:
        return Name(_unquoted(text.strip()))
    try:
        span = parse_span(found["span"])
    except OverflowError:
        span = timedelta.max
    if span > _LONGEST:
        raise ValueError(f"`{found['span']}` is longer than a hundred years")
    return Name(_unquoted(found["name"]), -span if found["sign"] == "-" else span)


def condition(text: str) -> Condition:
    """A filter. Raises ValueError saying what is expected."""
    if found := _EMPTINESS.fullmatch(text.strip()):
        return Emptiness(_unquoted(found["name"]), empty=not found["not"])
    if found := _COMPARISON.fullmatch(text.strip()):
        comparison = Comparison(_operand(found["left"]), found["sign"].replace("==", "="), _operand(found["right"]))
        if comparison.names:
            return comparison
    raise ValueError(
        f"`{text}` is no condition; write one such as `Age >= 0`, `status != 'cancelled'` or `Age is not empty`"
    )


def _operand(text: str) -> Operand:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return Constant(text[1:-1], quoted=True)
    constant = Constant(text)
    return constant if constant.is_number or constant.is_time else shifted_name(text)


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] == "`" else name
