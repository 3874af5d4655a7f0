"""When a score says something new, and what of it the Rails app is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.vocabulary import Band, ScoreKind, SubjectKind

MOVED = 0.05
"""A value that moved by so much is a change, though its band stays."""

ALERTS = frozenset({(SubjectKind.TUTOR, ScoreKind.HELP), (SubjectKind.SESSION, ScoreKind.NO_SHOW)})
"""Scores that ask somebody to act when they enter the band Act."""


@dataclass(frozen=True)
class Change:
    """A score that says something new; `previous_value` and `previous_band` are None for the first of its kind."""

    id: int
    tutor_id: str
    subject_kind: SubjectKind
    subject_id: str
    kind: ScoreKind
    value: float
    band: Band
    previous_value: float | None
    previous_band: Band | None
    model_version: str
    as_of: datetime

    def as_json(self) -> dict[str, Any]:
        """The change as it is told."""
        return {**vars(self), "as_of": self.as_of.isoformat()}


@dataclass(frozen=True)
class Message:
    """What the Rails app is told, as Standard Webhooks writes it; its id is the same whenever it is told again."""

    event_id: str
    type: str
    body: Mapping[str, Any]


def says_more(value: float, band: Band, before: float, band_before: Band) -> bool:
    """Whether a score says something else than the one before it."""
    return band is not band_before or abs(value - before) >= MOVED


def messages_of(change: Change, held_out: bool = False) -> Iterator[Message]:
    """What Rails is told of a change: that a band changed, and that somebody should act.

    The ids follow from the change's, so that nothing is told under two ids. No alert calls for a contact with somebody
    who is held out of that day's contacts, to measure what they do (docs/contacts.md).
    """
    if change.band is (change.previous_band or Band.OK):
        return
    yield _message(f"evt_{change.id}", "score.changed", change)
    if change.band is Band.ACT and not held_out and (change.subject_kind, change.kind) in ALERTS:
        yield _message(f"evt_{change.id}_alert", "alert.raised", change)


def _message(event_id: str, kind: str, change: Change) -> Message:
    body = {"type": kind, "timestamp": change.as_of.isoformat(), "data": change.as_json()}
    return Message(event_id, kind, body)
