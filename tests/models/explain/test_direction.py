import numpy as np

from models.explain.direction import directions


def test_the_direction_is_the_side_of_the_usual_value_with_more_outcomes() -> None:
    rng = np.random.default_rng(1)
    column = rng.normal(size=2000)
    labels = (rng.random(2000) < np.where(column > 0, 0.3, 0.1)).astype(float)
    columns = np.column_stack([column, -column, rng.normal(size=2000), np.full(2000, np.nan)]).astype(np.float32)
    assert directions(columns, labels, (0, 0, 0, 0)) == (1, -1, 0, 0)


def test_a_side_without_rows_is_replaced_by_the_usual_value() -> None:
    count = np.repeat([0, 3], [900, 100]).astype(np.float32)[:, None]
    labels = np.concatenate([np.tile([0, 0, 0, 1], 225), np.tile([0, 1], 50)]).astype(float)
    assert directions(count, labels, (0,)) == (1,)
