import numpy as np

from models.learners.boosting import FLAT, LINE, Params, Shape, try_out
from models.train.held_out import best
from tests.lib.logistic_line import line


def test_where_things_are_straight_trees_do_best_from_the_line() -> None:
    columns, labels = line(4000, slope=2.0)
    settings: Params = {"objective": "binary:logistic", "rounds": 40, "eta": 0.1, "max_depth": 2, "seed": 0}
    held_out = columns[2000:], labels[2000:]
    trials = try_out(columns[:2000], labels[:2000], held_out, settings, Shape((0, 0)), patience=0)
    assert trials[LINE].losses[0] < trials[FLAT].losses[0] - 0.05
    assert best({name: trial.losses for name, trial in trials.items()})[0] == LINE


def test_the_start_and_the_rounds_with_the_lowest_held_out_loss_are_chosen() -> None:
    losses = {LINE: np.array([0.5, 0.45, 0.46]), FLAT: np.array([0.6, 0.5, 0.44, 0.43, 0.47])}
    assert best(losses) == (FLAT, 4)
    assert best({name: values[:3] for name, values in losses.items()}) == (FLAT, 3)
    assert best({name: values[:2] for name, values in losses.items()}) == (LINE, 2)
