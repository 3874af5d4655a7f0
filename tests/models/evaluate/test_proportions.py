import numpy as np
import pytest

from models.evaluate.proportions import clustered_interval, effective_size, wilson


def test_wilson_by_hand() -> None:
    low, high = wilson(np.array([0.5]), np.array([10.0]))
    assert (low[0], high[0]) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_rows_of_two_tutors_who_each_always_do_the_same_are_worth_one() -> None:
    squares = (np.array([8.0]), np.array([4.0]), np.array([4.0]))  # two rows each; one tutor hits twice, one never
    assert effective_size(np.array([4.0]), np.array([2.0]), squares, np.array([2.0])) == pytest.approx(1)


def test_the_interval_of_a_share_covers_the_truth_though_rows_go_together() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        tutor = np.repeat(np.arange(60), 10)
        labels = (rng.random(600) < rng.beta(2, 2, 60)[tutor]).astype(float)
        low, high = clustered_interval(labels, np.zeros(600, np.int64), tutor)
        covered += low[0] <= 0.5 <= high[0]
    assert 180 <= covered <= 199  # of 200; 190 expected, 162 with rows taken as independent
