import numpy as np
import pytest

from domain.horizons import CHURN_HORIZON
from domain.vocabulary import Task
from features.history.history import History
from models.evaluate.metrics import figures
from models.examples.rows import churn_rows, no_show_rows
from models.examples.simulated_truth import align
from tests.lib.markets import market


@pytest.mark.parametrize(("kind", "task"), [("no_show", Task.NO_SHOW), ("churn_30d", Task.CHURN)])
def test_true_probabilities_are_those_the_outcomes_were_drawn_with(kind: str, task: Task) -> None:
    history = History(market().dataset)
    rows = no_show_rows(history) if task is Task.NO_SHOW else churn_rows(history, CHURN_HORIZON, CHURN_HORIZON)
    true_values = align(task, market().truth, history, rows)
    spread = np.sqrt((true_values * (1 - true_values)).sum())
    assert abs(rows.label.sum() - true_values.sum()) < 4 * spread
    assert figures(rows.label, true_values)["roc_auc"].value > (0.8 if kind == "no_show" else 0.65)
