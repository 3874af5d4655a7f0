import struct

import numpy as np
import pandas as pd

from monitoring.picture import MOST, picture


def _frame(shift: float) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(shift, 1, 300)
    columns = {f"c{i}": values + i for i in range(MOST + 3)}
    return pd.DataFrame({**columns, "weekday": np.resize(["Mon", "Tue"], 300), "empty": np.nan})


def _size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])  # type: ignore[return-value]


def test_the_picture_has_a_row_a_column_and_five_at_most() -> None:
    heights = [
        _size(picture([(f"c{i}", "t") for i in range(n)], _frame(0), _frame(2), {}))[1] for n in (1, MOST, MOST + 3)
    ]
    assert heights[0] * 4 < heights[1] == heights[2]


def test_categories_and_a_column_that_went_empty_are_drawn() -> None:
    columns = [("weekday", "Weekday"), ("c0", "Went empty")]
    now = _frame(2).assign(c0=np.nan)
    assert _size(picture(columns, _frame(0), now, {"weekday": ["Mon", "Tue"]}))[0] > 300


def test_nothing_that_moved_has_no_picture() -> None:
    assert picture([], _frame(0), _frame(0), {}) == b""
