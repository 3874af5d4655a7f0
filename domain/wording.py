"""Safe quoting of foreign text in messages: nearest choices, and no terminal control characters."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80
_INVISIBLE = {"\ufeff", "\u200b", "\u200c", "\u200d", "\u2060", "\u200e", "\u200f"}


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = 0.5) -> str:
    """Suffix `; did you mean `X`?` with the nearest choice, ignoring case; empty if none is near."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"; did you mean `{shown(by_lower[near[0]])}`?" if near else ""


def shown(text: str, longest: int = _LONGEST) -> str:
    """Escape control characters, invisible characters and unusual spaces, and cut the text to fit a line."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(c if c.isprintable() else _escaped(c) for c in cut)


def yaml_text(text: str) -> str:
    """Quote text as a double-quoted YAML scalar, with unprintable characters escaped."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escaped(c) for c in quoted) + '"'


def normalized(name: str) -> str:
    """Lower-case a column name, strip outer white space and replace inner white space with `_`."""
    visible = "".join(c for c in name if c not in _INVISIBLE)
    return "_".join(visible.lower().split())


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
