from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest

from features.history.history import History
from models.artifact.champion import Champion
from models.gate.contest import contest, milliseconds_a_row
from models.train.training import Training


def _champion(trained: Training, known_before: datetime) -> Champion:
    model = trained.model
    sidecar = model.sidecar.model_copy(update={"known_before": known_before})
    return Champion(type(model)(model.ubj, sidecar), "no_show/4")


def test_both_meet_on_the_test_rows_that_the_champion_has_not_learnt_from(
    market: tuple[History, np.ndarray], trained: Training
) -> None:
    as_of = trained.test.queries.as_of
    half = datetime.fromtimestamp(int(np.median(as_of)) // 1_000_000, UTC)
    met = contest(trained, _champion(trained, half), market[0])
    later = as_of >= int(half.timestamp()) * 1_000_000
    assert 0 < met.labels.size == later.sum() < as_of.size
    np.testing.assert_array_equal(met.scores, trained.scores[later])
    np.testing.assert_array_equal(met.tutors, trained.test.queries.tutor[later])
    assert met.others.shape == met.scores.shape
    assert (met.champion, met.since) == ("no_show/4", f"{half:%Y-%m-%d}")


def test_a_champion_that_has_learnt_from_everything_meets_on_no_row(
    market: tuple[History, np.ndarray], trained: Training
) -> None:
    after = datetime.fromtimestamp(int(trained.test.queries.as_of.max()) // 1_000_000, UTC) + timedelta(days=1)
    assert contest(trained, _champion(trained, after), market[0]).labels.size == 0


def test_the_time_of_a_row_is_the_median_of_the_clock(trained: Training) -> None:
    ticks = count()
    assert milliseconds_a_row(trained, clock=lambda: next(ticks) * 0.002) == pytest.approx(2.0)
