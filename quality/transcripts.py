"""Interface of transcript scorers, and the scorer that is installed: none so far.

Transcripts are stored when the event `transcript.ready` is applied. The result of a scorer is to be stored in
`quality_requests.result` under the scorer's name, and withheld where a quote is not in the transcript.
"""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class RubricScore(BaseModel):
    """Score of one point of the rubric, 1 the best; `quotes` are verbatim from the transcript."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    point: str
    value: float = Field(ge=0, le=1)
    quotes: tuple[str, ...]


class TranscriptScorer(Protocol):
    """Scorer of a transcript with one turn per line, `tutor: …` or `student: …`."""

    name: str

    def score(self, transcript: str) -> tuple[RubricScore, ...]:
        """Return a score for each point of the rubric."""


INSTALLED: TranscriptScorer | None = None
"""Scorer of this installation."""

NO_SCORER = "accepted: no transcript scorer is installed yet; the request is kept until one is"
WAITING = "accepted: it will be scored once the session's transcript is stored"


def accepted_message(scorer: TranscriptScorer | None) -> str:
    """Return the message for an accepted transcript that is not scored yet."""
    return WAITING if scorer else NO_SCORER
