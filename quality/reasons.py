"""The class of a written reschedule reason, by whole words. Offline and plain: it says `unclear` rather than guess."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from domain.vocabulary import ReasonCode

SCORER = "word rules"
"""What read the reasons; shown beside what it says."""

WORDS: Mapping[ReasonCode, tuple[str, ...]] = MappingProxyType(
    {
        ReasonCode.STUDENT_REQUEST: (
            "student asked",
            "student requested",
            "parent asked",
            "parents asked",
            "student wants",
        ),
        ReasonCode.ILLNESS: ("sick", "ill", "fever", "flu", "doctor", "migraine", "hospital", "unwell", "cold"),
        ReasonCode.FAMILY: (
            "family",
            "daughter",
            "son",
            "child",
            "kid",
            "kids",
            "mother",
            "father",
            "wedding",
            "funeral",
        ),
        ReasonCode.TECHNICAL: ("internet", "laptop", "power", "connection", "wifi", "microphone", "camera", "outage"),
        ReasonCode.OTHER_WORK: ("job", "shift", "work", "employer", "meeting", "boss"),
        ReasonCode.SCHEDULE_CONFLICT: (
            "conflict",
            "double booked",
            "double-booked",
            "overlap",
            "clash",
            "exam",
            "class",
        ),
    }
)

_PATTERNS = MappingProxyType(
    {
        code: re.compile(r"\b(" + "|".join(map(re.escape, words)) + r")\b", re.IGNORECASE)
        for code, words in WORDS.items()
    }
)


def classify(text: str) -> ReasonCode:
    """The class with the most words in the text; the first listed wins a tie, `unclear` where none is found."""
    hits = {code: len(pattern.findall(text)) for code, pattern in _PATTERNS.items()}
    best = max(hits, key=lambda code: hits[code])
    return best if hits[best] else ReasonCode.UNCLEAR


def most_frequent(reasons: Iterable[tuple[ReasonCode | None, str | None]]) -> tuple[ReasonCode, int, int] | None:
    """(class, its count, count of all) of (chosen code, written text) pairs; None where no reason was given.

    A code somebody chose is believed before the words.
    """
    codes = [ReasonCode(code) if code else classify(text or "") for code, text in reasons if code or text]
    if not codes:
        return None
    code, count = Counter(codes).most_common(1)[0]
    return code, count, len(codes)
