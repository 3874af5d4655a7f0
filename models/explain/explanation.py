"""Why this row got this score: its own contributions, grouped by theme, in words with the tutor's own numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.scores import Reason
from features.base.array_types import Ints, Matrix, Values
from models.artifact.matrix import features_of
from models.artifact.model import AttributeSpec, Model
from models.explain.own_numbers import OwnNumbers
from models.explain.shares import describe_share
from models.explain.words import describe

MAX_REASONS = 3
SMALLEST_EFFECT = 0.1
"""Log-odds: a theme that moves the odds by less than 10 % is no reason."""

NO_HISTORY = "no history"
"""The theme of all that is taken from the marketplace because the tutor has no past yet."""

NO_HISTORY_WORDS = "no sessions yet: the marketplace's usual"


@dataclass(frozen=True)
class _Themes:
    """The themes' names, sorted, NO_HISTORY last, the theme of each column, and which columns read a past."""

    names: tuple[str, ...]
    of_column: Ints
    historic: NDArray[np.bool_]


@dataclass(frozen=True)
class _Leading:
    """The themes chosen for each row, strongest first: (rows, MAX_REASONS). A theme of -1 is none."""

    theme: Ints
    column: Ints
    effect: Values


def themes_of(model: Model) -> list[str]:
    """The theme of each column of the model."""
    by_name = {f.name: f.theme for f in features_of(model.sidecar.task)}
    return [by_name.get(column, "details") for column in model.sidecar.columns]


def explain(
    model: Model, matrix: Matrix, numbers: OwnNumbers | None = None, contributions: Values | None = None
) -> list[tuple[Reason, ...]]:
    """Up to three reasons a row, those that raise the risk first, each kind strongest first.

    For a matrix (rows, columns), told with `numbers` of the same rows where given. `contributions` (rows, columns + 1)
    may be given, as averaged over several rows by a caller.
    """
    found = model.contributions(matrix) if contributions is None else contributions
    themes, numbers = _themes(model), numbers or OwnNumbers()
    leading = _leading(np.array(found[:, :-1]), themes, numbers.new)
    tell = [_teller(model, matrix, numbers, column) for column in range(matrix.shape[1])]
    of_rows = zip(leading.theme.tolist(), leading.column.tolist(), leading.effect.tolist(), strict=True)
    return [
        tuple(
            Reason(
                theme=themes.names[theme],
                text=tell[column](row) if column >= 0 else NO_HISTORY_WORDS,
                effect=round(effect, 4),
            )
            for theme, column, effect in zip(*of_row, strict=True)
            if theme >= 0
        )
        for row, of_row in enumerate(of_rows)
    ]


def _themes(model: Model) -> _Themes:
    of_columns = themes_of(model)
    names = (*sorted(set(of_columns)), NO_HISTORY)
    historic = {f.name for f in features_of(model.sidecar.task) if f.history}
    return _Themes(
        names,
        np.array([names.index(theme) for theme in of_columns]),
        np.array([column in historic for column in model.sidecar.columns]),
    )


def _leading(parts: Values, themes: _Themes, new: NDArray[np.bool_] | None) -> _Leading:
    """The leading themes of contributions (rows, columns), which are changed where a tutor is new."""
    unknown = np.zeros(len(parts))
    if new is not None and new.any():
        historic = np.ix_(new, themes.historic)
        unknown[new] = parts[historic].sum(axis=1)
        parts[historic] = 0
    grouped = np.zeros((len(parts), len(themes.names)))
    grouped[:, -1] = unknown
    for column, theme in enumerate(themes.of_column):
        grouped[:, theme] += parts[:, column]
    chosen = _strongest(grouped)
    effects = np.take_along_axis(grouped, chosen, axis=1)
    pairs = zip(chosen.T, effects.T, strict=True)
    columns = np.column_stack([_column(parts, themes.of_column, theme, effect) for theme, effect in pairs])
    return _Leading(chosen, columns, effects)


def _strongest(grouped: Values) -> Ints:
    """The raising themes by falling effect, then the lowering ones by theirs; -1 where an effect is no reason."""
    largest = np.abs(grouped).max(initial=0) + 1
    order = np.where(grouped > 0, -largest - grouped, grouped)
    order[np.abs(grouped) < SMALLEST_EFFECT] = np.inf
    theme = np.argsort(order, axis=1, kind="stable")[:, :MAX_REASONS]
    return np.where(np.isinf(np.take_along_axis(order, theme, axis=1)), -1, theme)


def _column(parts: Values, of_column: Ints, theme: Ints, effect: Values) -> Ints:
    """The column that moves each row most in the direction of its theme: (rows,), -1 where a theme has none."""
    mine = of_column[None, :] == theme[:, None]
    towards = np.where(mine, parts * np.sign(effect)[:, None], -np.inf)
    return np.where(mine.any(axis=1), towards.argmax(axis=1), -1)


def _teller(model: Model, matrix: Matrix, numbers: OwnNumbers, column: int) -> Callable[[int], str]:
    """What a column says of a row of the matrix, by the row's place."""
    sidecar = model.sidecar
    name = numbers.told_as(sidecar.columns[column])
    column = sidecar.columns.index(name)
    values, typical = matrix[:, column], sidecar.typical[column]
    if name in numbers.counts:
        events, sessions = numbers.counts[name]
        return lambda row: describe_share(
            name, float(events[row]), float(sessions[row]), float(values[row]), typical, numbers.when(name, row)
        )
    if column < len(sidecar.features):
        return lambda row: describe(name, float(values[row]), typical)
    spec = sidecar.attributes[column - len(sidecar.features)]
    return lambda row: _attribute(spec, float(values[row]))


def _attribute(spec: AttributeSpec, value: float) -> str:
    if spec.categories and not np.isnan(value):
        return f"{spec.name.replace('_', ' ')}: {spec.categories[int(value)]}"
    return describe(spec.name, value)
