"""Text of files and of users inside our own sentences: nearest choices, and nothing that a terminal would obey."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80
_INVISIBLE = {"\ufeff", "\u200b", "\u200c", "\u200d", "\u2060", "\u200e", "\u200f"}


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = 0.5) -> str:
    """`; did you mean `X`?` with the nearest choice, whatever its case, or nothing where none is near."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"; did you mean `{shown(by_lower[near[0]])}`?" if near else ""


def shown(text: str, longest: int = _LONGEST) -> str:
    """Text with control characters, invisible ones and odd spaces escaped, cut to a length a line can hold."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(c if c.isprintable() else _escaped(c) for c in cut)


def yaml_text(text: str) -> str:
    """Text in double quotes as YAML reads it, every character that cannot be seen written as an escape."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escaped(c) for c in quoted) + '"'


def normalized(name: str) -> str:
    """A column's name in lower case, without white space around it and with `_` for white space inside it."""
    visible = "".join(c for c in name if c not in _INVISIBLE)
    return "_".join(visible.lower().split())


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
