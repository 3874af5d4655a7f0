import numpy as np
import pytest

from domain.vocabulary import Task
from models.artifact.matrix import query_rows
from models.explain.what_if import moved, variants, what_ifs
from tests.lib.explained import SLOT, model_to_explain, noisy_columns, slot_history, slot_queries, small_booster


def test_the_change_is_that_which_lowers_the_risk_most_and_none_below_a_point() -> None:
    model = model_to_explain(small_booster(noisy_columns(3), 1, 1), task=Task.CHURN)
    matrix = np.array([[0.1, 50, 2], [0.1, 0.2, 2], [0.1, 50, 2]], np.float32)

    def risk(of: np.ndarray) -> np.ndarray:
        return np.asarray(np.array([0.1, 0.1, 0.1]) + np.array([0.006, 0.006, 0.0001]) * of[:, 1])

    first, second, third = what_ifs(risk, matrix, variants(model.sidecar, matrix, len(matrix)))
    assert first is not None
    assert first.change == "the tutor writes a message today"
    assert [first.value, first.difference] == pytest.approx([0.1, -0.3])
    assert second is None
    assert third is None


def test_a_session_moves_to_the_time_its_tutor_keeps_and_stays_where_there_is_no_better() -> None:
    history = slot_history()
    model = model_to_explain(small_booster(noisy_columns(3), 1, 1), features=SLOT)
    rows = query_rows(model.sidecar, history, slot_queries(history))
    words, changed = moved(model.sidecar, rows)
    assert words[0] == "the session moves to a Tuesday morning, the tutor's most reliable time"
    assert changed[0, 0] < rows.matrix[0, 0]
    assert changed[0, 1:].tolist() == [1, 9]
    np.testing.assert_array_equal(changed[1], rows.matrix[1])
