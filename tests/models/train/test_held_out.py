import numpy as np
import pytest

from domain.errors import NotEnoughData
from features.as_of.queries import of_tutors
from features.history.history import History
from models.examples.rows import (
    Examples,
    no_show_examples,
    no_show_rows,
)
from models.train.held_out import window
from models.train.training import default_cut
from tests.lib.planted_market import BEGIN, DAY


def test_the_calibrator_is_learnt_on_rows_later_than_all_its_model_knew(market: tuple[History, np.ndarray]) -> None:
    rows = no_show_rows(market[0])
    cut = default_cut(rows)
    parts = window(no_show_examples(rows, cut), cut)
    assert parts.examples.known_at[parts.earlier].max() < parts.examples.as_of[parts.later].min()
    assert not (parts.earlier & parts.later).any()


def test_a_calibration_window_of_one_class_says_so() -> None:
    days = BEGIN + np.arange(1000) * DAY
    label = (np.arange(1000) % 2 == 0).astype(float)
    label[700:] = 0
    examples = Examples(of_tutors(np.zeros(1000, np.int64), days), np.arange(1000), label, days + DAY)
    with pytest.raises(NotEnoughData, match="to calibrate on, 0 of them positive"):
        window(examples, int(days[-1]) + 2 * DAY)
