"""Rules of events as Ruby constants, by which the client checks a value before sending it."""

from domain.rules import FIRST_YEAR, LAST_YEAR, TextRule
from domain.schema import KINDS, Field

_KINDS = ("tutors", "students", "sessions", "reschedules", "messages", "transcripts")

HEAD = """\
# frozen_string_literal: true

# Generated from domain/schema.py and domain/rules.py by `make docs`. Do not edit.
module TutorQuality
  # Rules for the values in an event's data, by the name of the field. The service rejects other values.
  module Rules
"""


def ruby_rules() -> str:
    """Returns the text of clients/ruby/lib/tutor_quality/rules.rb."""
    fields = {field.name: field for kind in _KINDS for field in KINDS[kind].fields}
    ranges = [_range(field) for field in fields.values() if field.within]
    texts = [line for field in fields.values() if field.rule for line in _text(field, field.rule)]
    orders = sorted(
        {pair for kind in ("tutors", "sessions") for pair in KINDS[kind].ordered if "scheduled_at" not in pair}
    )
    parts = [
        ("Lowest and highest number.", "RANGES", "{", [f"{line},\n" for line in ranges], "}"),
        ("Forbidden characters, greatest length, rejected values, error text.", "TEXTS", "{", texts, "}"),
        (
            "Pairs of moments: the second is not before the first.",
            "ORDERS",
            "[",
            [f"%w[{a} {b}],\n" for a, b in orders],
            "]",
        ),
    ]
    body = "\n".join(_constant(*part) for part in parts)
    return f"{HEAD}{body}\n    # Years of valid moments.\n    YEARS = ({FIRST_YEAR}..{LAST_YEAR})\n  end\nend\n"


def _constant(meaning: str, name: str, begin: str, lines: list[str], end: str) -> str:
    return f"    # {meaning}\n    {name} = {begin}\n{''.join(f'      {line}' for line in lines)}    {end}.freeze\n"


def _range(field: Field) -> str:
    assert field.within is not None
    return f'"{field.name}" => [{field.within.low:g}, {field.within.high:g}]'


def _text(field: Field, rule: TextRule) -> list[str]:
    refused = ", ".join(f'"{value}"' for value in rule.refused)
    longest = "nil" if rule.longest is None else str(rule.longest)
    return [
        f'"{field.name}" => [\n',
        f"  /[{_escaped(rule.forbidden)}]/, {longest}, [{refused}].freeze,\n",
        f'  "{rule.detail}"\n',
        "].freeze,\n",
    ]


def _escaped(characters: str) -> str:
    """Returns a character class in Ruby syntax, without invisible characters and slashes (the pattern's end)."""
    shown = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in characters)
    return shown.replace("\\x", "\\u00").replace("/", "\\/")
