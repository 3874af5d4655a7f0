"""Reasons of a score: the row's contributions, grouped by theme, in words with the tutor's own numbers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.scores import Reason
from features.base.array_types import Ints, Matrix, Values
from models.artifact.matrix import features_of
from models.artifact.model import AttributeSpec, Model
from models.explain.group_words import describe_group, group_columns
from models.explain.own_numbers import OwnNumbers
from models.explain.shares import describe_share
from models.explain.words import describe

MAX_REASONS = 3
SMALLEST_EFFECT = 0.1
"""Least effect of a reason, in log-odds: a theme that changes the odds by less than 10 % is omitted."""

NO_HISTORY = "no history"
"""Theme of all columns that take the marketplace's value because the tutor has no past yet."""

NO_HISTORY_WORDS = "no sessions yet: the marketplace's usual"


@dataclass(frozen=True)
class _Themes:
    """Names of the themes, sorted with NO_HISTORY last; theme of each column; mask of the columns that read a past."""

    names: tuple[str, ...]
    of_column: Ints
    historic: NDArray[np.bool_]


@dataclass(frozen=True)
class _Leading:
    """Themes chosen for each row, strongest first: (rows, MAX_REASONS), -1 for none."""

    theme: Ints
    column: Ints
    effect: Values


def themes_of(model: Model) -> list[str]:
    """Returns the theme of each column of the model."""
    by_name = {f.name: f.theme for f in features_of(model.sidecar.task)}
    return [by_name.get(column, "details") for column in model.sidecar.columns]


def explain(
    model: Model, matrix: Matrix, numbers: OwnNumbers | None = None, contributions: Values | None = None
) -> list[tuple[Reason, ...]]:
    """Returns up to three reasons per row: those that raise the risk, then those that lower it, strongest first.

    Takes a matrix (rows, columns) and optionally `numbers` of the same rows, quoted in the reasons. `contributions`
    (rows, columns + 1) replace those of the model, for example when averaged over several rows.
    """
    parts = model.contributions(matrix) if contributions is None else contributions
    themes, numbers = _themes(model), numbers or OwnNumbers()
    leading = _leading(np.array(parts[:, :-1]), themes, numbers.new)
    describers = [_describer(model, matrix, numbers, column) for column in range(matrix.shape[1])]
    of_rows = zip(leading.theme.tolist(), leading.column.tolist(), leading.effect.tolist(), strict=True)
    return [
        tuple(
            Reason(
                theme=themes.names[theme],
                text=describers[column](row) if column >= 0 else NO_HISTORY_WORDS,
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
    """Returns the leading themes of contributions (rows, columns), which are modified where a tutor is new."""
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
    """Returns raising themes by falling effect, then lowering ones, strongest first; -1 below SMALLEST_EFFECT."""
    largest = np.abs(grouped).max(initial=0) + 1
    order = np.where(grouped > 0, -largest - grouped, grouped)
    order[np.abs(grouped) < SMALLEST_EFFECT] = np.inf
    theme = np.argsort(order, axis=1, kind="stable")[:, :MAX_REASONS]
    return np.where(np.isinf(np.take_along_axis(order, theme, axis=1)), -1, theme)


def _column(parts: Values, of_column: Ints, theme: Ints, effect: Values) -> Ints:
    """Returns the column with the largest effect in the direction of each row's theme: (rows,), -1 without columns."""
    in_theme = of_column[None, :] == theme[:, None]
    towards = np.where(in_theme, parts * np.sign(effect)[:, None], -np.inf)
    return np.where(in_theme.any(axis=1), towards.argmax(axis=1), -1)


def _describer(model: Model, matrix: Matrix, numbers: OwnNumbers, column: int) -> Callable[[int], str]:
    """Returns the words of a column for a row of the matrix, by row index."""
    sidecar = model.sidecar
    name = numbers.described_as(sidecar.columns[column])
    column = sidecar.columns.index(name)
    values, typical = matrix[:, column], sidecar.typical[column]
    if of_group := group_columns(sidecar).get(name):
        own = numbers.counts.get(name)
        return lambda row: describe_group(
            *of_group, float(values[row]), typical, own and (float(own[0][row]), float(own[1][row]))
        )
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
