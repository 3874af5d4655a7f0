import numpy as np

from domain.vocabulary import Band
from insights.rates.session_quality import session_scores
from tests.lib.rate_histories import NOW, held, history


def test_a_completed_session_with_a_rating_has_a_quality_and_no_other() -> None:
    found = history(
        [held(0, 3, rating=4.0), held(1, 2), held(2, 1, status="no_show", rating=1.0), held(3, 1, rating=1.0)]
    )
    scores = session_scores(found, np.arange(4), NOW)
    assert [(s.subject_id, s.value, s.low, s.high) for s in scores] == [
        ("ada-0", 0.75, 0.625, 0.875), ("ada-3", 0.0, 0.0, 0.125),
    ]  # fmt: skip
    assert [s.band for s in scores] == [Band.OK, Band.ACT]
    assert scores[0].reasons[0].text == "rated 4 of 5 stars"
