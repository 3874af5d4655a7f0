"""The seam of transcript scoring: what a scorer is, and which one is installed. None is yet.

Transcripts are stored when the event `transcript.ready` is applied, and wait there. What a scorer will say of one has
its place in `quality_requests.result`, under its name, and will be withheld where its quotes do not stand in the
transcript.
"""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class Finding(BaseModel):
    """What a scorer says of one point of its rubric: 1 is the best; `quotes` stand word for word in the transcript."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    point: str
    value: float = Field(ge=0, le=1)
    quotes: tuple[str, ...]


class TranscriptScorer(Protocol):
    """Reads a transcript, one turn a line, `tutor: …` or `student: …`."""

    name: str

    def score(self, transcript: str) -> tuple[Finding, ...]:
        """What it finds."""


INSTALLED: TranscriptScorer | None = None
"""Who reads transcripts."""

NOBODY_READS = "accepted: no scorer reads transcripts yet, so this stays as it is until one is installed"
WAITS = "accepted: it is read once the session's transcript is stored"


def accepted_message(scorer: TranscriptScorer | None) -> str:
    """What is said of a transcript that was taken and not read."""
    return WAITS if scorer else NOBODY_READS
