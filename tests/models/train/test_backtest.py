import numpy as np
import pytest

from features.history.history import History
from models.examples.rows import (
    no_show_rows,
)
from models.train.training import default_cut
from tests.lib.planted_market import DAY


def test_the_default_cut_leaves_the_last_three_tenths_of_the_days(market: tuple[History, np.ndarray]) -> None:
    rows = no_show_rows(market[0])
    cut = default_cut(rows)
    assert cut % DAY == 0
    assert (rows.queries.as_of.max() - cut) / (rows.queries.as_of.max() - rows.queries.as_of.min()) == pytest.approx(
        0.3, abs=0.02
    )
