"""Agreement of the tutor list's band filter with `domain.scores.band_of`."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from domain.scores import Score, band_of
from domain.vocabulary import Band, ScoreKind, SubjectKind
from store.facts.load import load
from store.scores.records import save_scores
from store.scores.tutor_list import Wanted, tutor_page
from tests.lib.small_dataset import NOON, corners


@pytest.mark.parametrize("act_from", [None, 0.1, 0.35, 0.5])
def test_a_tutor_is_listed_in_the_band_of_the_newest_score_and_in_no_other(
    engine: Engine, act_from: float | None
) -> None:
    load(engine, corners())
    assert not any(tutor_page(engine, Wanted(band=band), NOON, 10).tutors for band in Band)
    for hours, value in enumerate((0.0, 0.1, 0.19, 0.2, 0.34, 0.35, 0.49, 0.5, 1.0)):
        score = Score(
            subject_kind=SubjectKind.TUTOR, subject_id="t1", kind=ScoreKind.HELP, value=value, low=0, high=1,
            act_from=act_from, model_version="3", as_of=NOON + timedelta(hours=hours),
        )  # fmt: skip
        save_scores(engine, [score])
        listed = [band for band in Band if tutor_page(engine, Wanted(band=band), NOON, 10).tutors]
        assert listed == [band_of(ScoreKind.HELP, value, act_from)]
