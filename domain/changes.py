"""Score changes, and the webhook messages sent to the Rails app for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.score_kinds import SCORE_KINDS, Measure
from domain.vocabulary import Band, ScoreKind, SubjectKind

MOVED = 0.05
"""Smallest difference of a fraction that counts as a change while the band stays the same."""

MOVED_COUNT = 0.5
"""Smallest difference of a count that counts as a change while the band stays the same."""


@dataclass(frozen=True)
class ScoreChange:
    """A changed score; `previous_value` and `previous_band` are None for the first score of its kind."""

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
        """JSON body of the change."""
        return {**vars(self), "as_of": self.as_of.isoformat()}


@dataclass(frozen=True)
class WebhookMessage:
    """A webhook message in the Standard Webhooks format; a repeated delivery carries the same id."""

    event_id: str
    type: str
    body: Mapping[str, Any]


def says_more(kind: ScoreKind, value: float, band: Band, before: float, band_before: Band) -> bool:
    """Returns True for another band than before, or a difference in value of at least MOVED (a count: MOVED_COUNT)."""
    moved = MOVED_COUNT if SCORE_KINDS[kind].measure is Measure.COUNT else MOVED
    return band is not band_before or abs(value - before) >= moved


def messages_of(change: ScoreChange, advice_withheld: bool = False) -> Iterator[WebhookMessage]:
    """Messages for a change: `score.changed` when the band changed, `alert.raised` when it became Act.

    Message ids are derived from the change's id, so that nothing is sent under two ids. An alert
    calls for a contact, so none is raised where advice is withheld (`domain.disclosure`).
    """
    if change.band is (change.previous_band or Band.OK):
        return
    yield _message(f"evt_{change.id}", "score.changed", change)
    if change.band is Band.ACT and not advice_withheld and SCORE_KINDS[change.kind].raises_alert:
        yield _message(f"evt_{change.id}_alert", "alert.raised", change)


def _message(event_id: str, kind: str, change: ScoreChange) -> WebhookMessage:
    body = {"type": kind, "timestamp": change.as_of.isoformat(), "data": change.as_json()}
    return WebhookMessage(event_id, kind, body)
