"""Classifier of written reschedule reasons by whole words. Runs offline; returns `unclear` rather than guess."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import ReasonCode
from features.base.dataset import Dataset

SCORER = "word rules"
"""Name of the classifier, shown beside its results."""

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
    """Return the class with the most words in the text; the first listed wins a tie, `unclear` without any."""
    hits = {code: len(pattern.findall(text)) for code, pattern in _PATTERNS.items()}
    best = max(hits, key=lambda code: hits[code])
    return best if hits[best] else ReasonCode.UNCLEAR


def with_reason_codes(dataset: Dataset) -> Dataset:
    """Return the dataset with a class for every written reason without a chosen code. Chosen codes stay."""
    reschedules = dataset.tables["reschedules"]
    uncoded = pc.and_(pc.is_null(reschedules["reason_code"]), pc.is_valid(reschedules["reason_text"]))
    if not pc.any(uncoded).as_py():
        return dataset
    texts = reschedules["reason_text"].combine_chunks().dictionary_encode()  # the same few sentences, many times
    classes = pa.array([classify(text) for text in texts.dictionary.to_pylist()], pa.string())
    codes = pc.coalesce(reschedules["reason_code"], classes.take(texts.indices))
    place = reschedules.schema.get_field_index("reason_code")
    filled = reschedules.set_column(place, reschedules.schema.field(place), codes)
    return replace(dataset, tables={**dataset.tables, "reschedules": filled})


def most_frequent(reasons: Iterable[tuple[ReasonCode | None, str | None]]) -> tuple[ReasonCode, int, int] | None:
    """Return the most frequent class, its count and the count of all, of (chosen code, written text) pairs.

    None without any reason. A chosen code takes precedence over the text.
    """
    codes = [ReasonCode(code) if code else classify(text or "") for code, text in reasons if code or text]
    if not codes:
        return None
    code, count = Counter(codes).most_common(1)[0]
    return code, count, len(codes)
