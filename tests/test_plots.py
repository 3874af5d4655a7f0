from dataclasses import dataclass
from io import BytesIO
from typing import cast

import numpy as np
import pytest
from matplotlib.image import imread

from domain.vocabulary import Task
from models import plots
from models.evaluation import Evaluation, curves, figures, figures_with_intervals


@dataclass(frozen=True)
class _Sidecar:
    task: Task


@dataclass(frozen=True)
class _Model:
    sidecar: _Sidecar


@dataclass(frozen=True)
class _Drawn:
    model: _Model
    evaluation: Evaluation
    importance: dict[str, float]


def _evaluation(n: int = 4000, with_intervals: bool = True) -> Evaluation:
    rng = np.random.default_rng(0)
    scores = rng.beta(1.2, 12, n)
    labels = (rng.random(n) < scores).astype(np.float64)
    found = (
        figures_with_intervals(labels, scores, rng.integers(0, 200, n), 0, 20)
        if with_intervals
        else figures(labels, scores)
    )
    return Evaluation(n, float(labels.mean()), found, curves(labels, scores))


def _drawn(evaluation: Evaluation, columns: int = 24) -> plots.Drawable:
    shares = np.random.default_rng(1).dirichlet(np.full(columns, 0.4))
    drawn = _Drawn(
        _Model(_Sidecar(Task.NO_SHOW)), evaluation, {f"column_number_{i}": float(s) for i, s in enumerate(shares)}
    )
    return cast(plots.Drawable, drawn)  # a stand-in: of the model only the task is read


def test_there_are_three_pictures_and_each_is_a_png_with_something_drawn() -> None:
    found = plots.plots(_drawn(_evaluation()))
    assert set(found) == {"reliability", "precision_recall", "importance"}
    for png in found.values():
        pixels = imread(BytesIO(png), format="png")
        assert min(pixels.shape[:2]) > 300
        assert pixels.std() > 0.05


@pytest.mark.parametrize("n", [12, 400])
def test_few_rows_without_intervals_can_be_drawn(n: int) -> None:
    evaluation = _evaluation(n, with_intervals=False)
    assert all(plots.plots(_drawn(evaluation, columns=1)).values())


def test_a_model_that_found_nothing_can_be_drawn() -> None:
    assert plots.importance({"one": 0.0, "two": 0.0}, "churn").startswith(b"\x89PNG")


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    evaluation = _evaluation(500)
    assert plots.reliability(evaluation, "churn") == plots.reliability(evaluation, "churn")
