"""Score status of a tutor, and the sentence that explains missing scores."""

import pytest

from insights.advice.score_status import STATUS_MESSAGES, ScoreStatus, score_status


@pytest.mark.parametrize(
    ("has_scores", "has_model", "status"),
    [
        (True, True, ScoreStatus.SCORED),
        (True, False, ScoreStatus.SCORED),
        (False, True, ScoreStatus.NOT_SCORED),
        (False, False, ScoreStatus.NO_MODEL),
    ],
)
def test_a_tutor_without_scores_gets_the_reason(has_scores: bool, has_model: bool, status: ScoreStatus) -> None:
    assert score_status(has_scores, has_model) is status
    assert STATUS_MESSAGES[status].endswith(".")
