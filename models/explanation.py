"""Why this row got this score: its own contributions, grouped by theme, in words."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domain.scores import Reason
from models.artifact import Matrix, Model
from models.matrix import features_of
from models.words import describe

MAX_REASONS = 3
SMALLEST_EFFECT = 0.05
"""Log-odds: a theme that moves the odds by less than 5 % is no reason."""


def themes_of(model: Model) -> list[str]:
    """The theme of each column of the model."""
    by_name = {f.name: f.theme for f in features_of(model.sidecar.task)}
    return [by_name.get(column, "details") for column in model.sidecar.columns]


def explain(model: Model, matrix: Matrix, contributions: NDArray[np.float64] | None = None) -> list[tuple[Reason, ...]]:
    """Up to three reasons a row, strongest first: for a matrix (rows, columns).

    `contributions` (rows, columns + 1) may be given, as averaged over several rows by a caller.
    """
    found = model.contributions(matrix) if contributions is None else contributions
    themes = np.array(themes_of(model))
    names = sorted(set(themes))
    grouped = np.column_stack([found[:, :-1][:, themes == name].sum(axis=1) for name in names])
    return [_reasons(model, matrix[i], found[i, :-1], themes, names, grouped[i]) for i in range(len(matrix))]


def _reasons(
    model: Model,
    row: Matrix,
    contributions: NDArray[np.float64],
    themes: NDArray[np.str_],
    names: Sequence[str],
    grouped: NDArray[np.float64],
) -> tuple[Reason, ...]:
    order = [i for i in np.argsort(-np.abs(grouped)) if abs(grouped[i]) >= SMALLEST_EFFECT]
    raising = [i for i in order if grouped[i] > 0]
    chosen = (raising + [i for i in order if grouped[i] <= 0])[:MAX_REASONS]
    return tuple(_reason(model, row, contributions, themes == names[i], names[i], float(grouped[i])) for i in chosen)


def _reason(
    model: Model, row: Matrix, contributions: NDArray[np.float64], mine: NDArray[np.bool_], theme: str, effect: float
) -> Reason:
    columns = np.flatnonzero(mine)
    leading = columns[np.argmax(contributions[columns] * np.sign(effect))]
    sidecar = model.sidecar
    text = _text(model, int(leading), float(row[leading]), sidecar.typical[leading])
    return Reason(theme=theme, text=text, effect=round(effect, 4))


def _text(model: Model, column: int, value: float, typical: float) -> str:
    sidecar = model.sidecar
    n_features = len(sidecar.features)
    if column < n_features:
        return describe(sidecar.columns[column], value, typical)
    spec = sidecar.attributes[column - n_features]
    if spec.categories and not np.isnan(value):
        return f"{spec.name.replace('_', ' ')}: {spec.categories[int(value)]}"
    return describe(spec.name, value)
