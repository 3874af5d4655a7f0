"""Rolling origins: past models, each tested on later rows only."""

import numpy as np
import pytest

from domain.errors import NotEnoughData
from models.evaluate.metrics import Figure, Origin
from models.evaluate.rolling import FIRST_WEEKS, WEEKS, Scored, decay, origins_of, rolling
from models.learners.calibration import expit

DAY = 86_400_000_000
WEEK = 7 * DAY


def fading(cut: int, weeks: int = 12, rows: int = 1500) -> Scored:
    """Rows from the weeks after a cut, with scores that become less accurate each week."""
    rng = np.random.default_rng(cut)
    week = np.repeat(np.arange(weeks), rows)
    margins = rng.normal(-1, 1.5, week.size)
    labels = (rng.random(week.size) < expit(margins)).astype(float)
    scores = expit(margins + rng.normal(0, 1, week.size) * 0.7 * week)
    return Scored(labels, scores, rng.integers(0, 300, week.size), cut + week * WEEK + rng.integers(0, WEEK, week.size))


def test_origins_are_midnights_from_when_half_the_labels_were_known_to_the_cut() -> None:
    known_at = np.arange(0, 1000) * (DAY // 10)
    origins = origins_of(known_at, cut=80 * DAY)
    assert [moment // DAY for moment in origins] == [39, 49, 59, 69]
    assert all(moment % DAY == 0 for moment in origins)


def test_labels_known_once_a_week_have_four_origins_all_the_same() -> None:
    origins = origins_of(np.arange(8) * WEEK, cut=8 * WEEK)
    assert [moment // DAY for moment in origins] == [21, 29, 38, 47]


def test_few_days_have_fewer_origins_and_no_label_known_has_none() -> None:
    assert origins_of(np.full(50, 3 * DAY + 1), cut=4 * DAY) == (3 * DAY,)
    assert origins_of(np.array([90 * DAY]), cut=80 * DAY) == ()


def test_each_origin_tells_its_first_weeks_and_every_week_after() -> None:
    origins = rolling(fading, [0, 3 * WEEK, 6 * WEEK, 9 * WEEK], seed=0, repeats=20)
    assert [origin.cut for origin in origins] == [0, 3 * WEEK, 6 * WEEK, 9 * WEEK]
    for origin in origins:
        assert origin.n == FIRST_WEEKS * 1500
        assert len(origin.by_week) == WEEKS
        first, last = origin.by_week[0], origin.by_week[-1]
        assert first is not None
        assert last is not None
        assert first.low > last.high
        assert last.value < origin.figures["roc_auc"].value < first.value
    means = decay(origins)
    assert means[0] == pytest.approx(np.mean([origin.by_week[0].value for origin in origins if origin.by_week[0]]))
    assert means[0] > means[3] > means[7]


def test_rows_before_the_origin_count_for_nothing() -> None:
    later = fading(10 * WEEK)
    earlier = fading(10 * WEEK, weeks=4)
    mixed = Scored(
        np.append(later.labels, 1 - earlier.labels),
        np.append(later.scores, earlier.scores),
        np.append(later.tutors, earlier.tutors),
        np.append(later.as_of, earlier.as_of - 4 * WEEK),
    )
    (alone,), (both,) = (rolling(lambda cut, s=s: s, [10 * WEEK], seed=0, repeats=5) for s in (later, mixed))
    assert alone == both


def test_an_origin_or_a_week_with_too_little_has_no_figures() -> None:
    def train_at(cut: int) -> Scored:
        if cut == 0:
            raise NotEnoughData("nothing yet")
        return fading(cut, weeks=1, rows=30 if cut == WEEK else 3000)

    early, thin, well = rolling(train_at, [0, WEEK, 2 * WEEK], seed=0, repeats=5)
    assert (early.figures, early.by_week) == ({}, ())
    assert (thin.figures, set(thin.by_week)) == ({}, {None})
    assert well.figures["roc_auc"].value > 0.7
    assert [week is None for week in well.by_week] == [False] + [True] * (WEEKS - 1)


def test_the_decay_is_the_mean_of_the_origins_that_have_the_week() -> None:
    first = Origin(0, 10, {}, (Figure(0.8), Figure(0.7), None))
    second = Origin(1, 10, {}, (Figure(0.6), None, None))
    np.testing.assert_allclose(decay([first, second, Origin(2, 0, {}, ())]), [0.7, 0.7, np.nan])
    assert decay([]) == ()
