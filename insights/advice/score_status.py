"""Whether a tutor has scores, and the sentence that explains why not."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ScoreStatus(StrEnum):
    """Whether a tutor has scores, and the reason if not."""

    SCORED = "scored"
    NOT_SCORED = "not_scored"
    NO_MODEL = "no_model"


STATUS_MESSAGES: Mapping[ScoreStatus, str] = MappingProxyType(
    {
        ScoreStatus.SCORED: "The latest scores.",
        ScoreStatus.NOT_SCORED: "This tutor has not been scored yet: only tutors with a recent session are scored.",
        ScoreStatus.NO_MODEL: "No model has been trained yet, so no tutor has a score.",
    }
)


def score_status(has_scores: bool, has_model: bool) -> ScoreStatus:
    """Status of a tutor who has any score or not, in an installation with a trained model or without."""
    if has_scores:
        return ScoreStatus.SCORED
    return ScoreStatus.NOT_SCORED if has_model else ScoreStatus.NO_MODEL
