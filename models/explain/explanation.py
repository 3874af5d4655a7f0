"""Reasons of a score: the row's contributions by group, in words with the tutor's own numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domain.scores import MAX_REASONS, Reason
from features.base.array_types import Matrix, Values
from features.base.dataset import Group
from features.columns.group_rates import GroupRate
from models.artifact.model import Model, Sidecar
from models.explain.choice import NO_COLUMN, NO_REASON, choose
from models.explain.evidence import evidence_of
from models.explain.group_words import describe_group, group_columns
from models.explain.groups import NO_HISTORY, groups_of
from models.explain.own_numbers import OwnNumbers
from models.explain.shares import describe_share
from models.explain.words import describe

NO_HISTORY_WORDS = "no sessions yet: the marketplace's usual"


def explain(
    model: Model,
    matrix: Matrix,
    numbers: OwnNumbers | None = None,
    contributions: Values | None = None,
    about_tutor: bool = False,
) -> list[tuple[Reason, ...]]:
    """Returns up to three reasons per row, in the order of `choose`.

    Takes a matrix (rows, columns) and optionally `numbers` of the same rows, quoted in the reasons. `contributions`
    (rows, columns + 1) replace those of the model, for example when averaged over several rows. Reasons `about_tutor`
    quote no column of a single session. A group whose numbers are the usual ones, or lie on the other side of them than
    its effect, yields no reason.
    """
    parts = np.array((model.contributions(matrix) if contributions is None else contributions)[:, :-1])
    groups, numbers = groups_of(model.sidecar), numbers or OwnNumbers()
    evidence = evidence_of(model.sidecar, matrix, numbers)
    effects = groups.effects(parts, numbers.new)
    usable = ~groups.of_session if about_tutor else np.ones_like(groups.of_session)
    choice = choose(effects, parts, evidence, groups, usable)
    rows = _Rows(model.sidecar, groups.themes, group_columns(model.sidecar), matrix, numbers)
    return [
        rows.reasons(row, effect, column)
        for row, (effect, column) in enumerate(zip(choice.effect.tolist(), choice.column.tolist(), strict=True))
    ]


@dataclass(frozen=True)
class _Rows:
    """Rows to be worded: their matrix and numbers, the theme of each column, and the columns that are group rates."""

    sidecar: Sidecar
    themes: Sequence[str]
    of_groups: Mapping[str, tuple[Group, GroupRate]]
    matrix: Matrix
    numbers: OwnNumbers

    def reasons(self, row: int, effects: Sequence[float], columns: Sequence[int]) -> tuple[Reason, ...]:
        """Returns the reasons of a row from its possible ones, best first."""
        reasons = list[Reason]()
        for effect, column in zip(effects, columns, strict=True):
            if column == NO_REASON or len(reasons) == MAX_REASONS:
                break
            if text := NO_HISTORY_WORDS if column == NO_COLUMN else self._words(row, column):
                theme = NO_HISTORY if column == NO_COLUMN else self.themes[column]
                reasons.append(Reason(theme=theme, text=text, effect=round(effect, 4)))
        return tuple(reasons)

    def _words(self, row: int, column: int) -> str:
        """Returns the words of a column, empty where they are those of the usual value."""
        sidecar, value = self.sidecar, float(self.matrix[row, column])
        name, usual = sidecar.columns[column], sidecar.typical[column]
        if of_group := self.of_groups.get(name):
            return describe_group(*of_group, value, usual, self.numbers.counted(name, row))
        if column >= len(sidecar.features):
            categories = sidecar.attributes[column - len(sidecar.features)].categories
            return f"{name.replace('_', ' ')}: {categories[int(value)]}" if categories else describe(name, value, usual)
        share = self.numbers.described_as(name)
        if (counts := self.numbers.counted(share, row)) is None:
            return describe(name, value, usual)
        return describe_share(
            share, *counts, sidecar.typical[sidecar.columns.index(share)], self.numbers.when(share, row)
        )
