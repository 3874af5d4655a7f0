from dataclasses import dataclass, replace
from io import BytesIO
from typing import cast

import numpy as np
import pytest
from matplotlib.image import imread

from domain.vocabulary import Task
from models.evaluate.metrics import Evaluation, Figure, Origin, curves, figures, figures_with_intervals
from models.publish import plots


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
    return cast(plots.Drawable, drawn)  # a stand-in: only the model's task is read


def test_there_are_three_pictures_and_each_is_a_png_with_something_drawn() -> None:
    found = plots.plots(_drawn(_evaluation()))
    assert set(found) == {"reliability", "precision_recall", "importance"}
    for png in found.values():
        pixels = imread(BytesIO(png), format="png")
        assert min(pixels.shape[:2]) > 300
        assert pixels.std() > 0.05


def test_rolling_origins_bring_a_fourth_picture_of_their_decay() -> None:
    by_week = tuple(None if week == 3 else Figure(0.8 - week / 100, 0.7, 0.9) for week in range(8))
    origins = tuple(Origin(cut * 10**13, 400, {"roc_auc": by_week[0] or Figure(0.8)}, by_week) for cut in range(4))
    found = plots.plots(_drawn(replace(_evaluation(), origins=origins)))
    assert set(found) == {"decay", "reliability", "precision_recall", "importance"}
    pixels = imread(BytesIO(found["decay"]), format="png")
    assert pixels.std() > 0.05
    untold = replace(_evaluation(), origins=(Origin(0, 0, {}, ()),))
    assert "decay" not in plots.plots(_drawn(untold))


def test_the_reliability_picture_shows_wider_intervals_where_rows_go_together() -> None:
    rng = np.random.default_rng(0)
    tutors = rng.integers(0, 40, 4000)
    scores = rng.beta(1.2, 12, 4000)
    labels = (rng.random(4000) < np.where(tutors % 4 == 0, np.minimum(3 * scores, 1), scores)).astype(np.float64)
    base = Evaluation(4000, float(labels.mean()), figures(labels, scores), curves(labels, scores))
    together = replace(base, curves=curves(labels, scores, tutors))
    assert plots.reliability(base, "churn") != plots.reliability(together, "churn")


@pytest.mark.parametrize("n", [12, 400])
def test_few_rows_without_intervals_can_be_drawn(n: int) -> None:
    evaluation = _evaluation(n, with_intervals=False)
    assert all(plots.plots(_drawn(evaluation, columns=1)).values())


def test_a_model_that_found_nothing_can_be_drawn() -> None:
    assert plots.importance({"one": 0.0, "two": 0.0}, "churn").startswith(b"\x89PNG")


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    evaluation = _evaluation(500)
    assert plots.reliability(evaluation, "churn") == plots.reliability(evaluation, "churn")
