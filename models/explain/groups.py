"""Groups of a model's columns: contributions that are one reason."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from domain.vocabulary import Task
from features.base.array_types import Ints, Values
from features.base.dataset import Group
from features.columns.group_rates import column_names
from features.columns.themes import theme_facts
from models.artifact.matrix import features_of
from models.artifact.model import Sidecar
from models.explain.group_words import noun

NO_HISTORY = "no history"
"""Theme of all columns that take the marketplace's value because the tutor has no past yet."""

DETAILS = "details"
"""Theme of the attributes."""


@dataclass(frozen=True)
class Groups:
    """Groups of the columns: theme and group of each column, columns of each group, and masks (columns,).

    `direct`: the column shows the model's own outcome in the past. `narrow`: it covers a part of the tutor's sessions.
    `of_session`: it describes one session. `historic`: it reads a past. One more group, the last, is that of tutors
    without a past; it has no columns.
    """

    themes: tuple[str, ...]
    of_column: Ints
    members: tuple[Ints, ...]
    direct: NDArray[np.bool_]
    narrow: NDArray[np.bool_]
    of_session: NDArray[np.bool_]
    historic: NDArray[np.bool_]

    def effects(self, parts: Values, new: NDArray[np.bool_] | None) -> Values:
        """Returns the sum of each group's contributions: (rows, groups).

        Takes contributions (rows, columns) and the mask of tutors without a past (rows,), whose historic contributions
        are set to 0 and become the last group's.
        """
        effects = np.zeros((len(parts), len(self.members) + 1))
        if new is not None and new.any():
            historic = np.ix_(new, self.historic)
            effects[new, -1] = parts[historic].sum(axis=1)
            parts[historic] = 0
        for column, group in enumerate(self.of_column.tolist()):
            effects[:, group] += parts[:, column]
        return effects


def groups_of(sidecar: Sidecar) -> Groups:
    """Returns the groups of the columns of a model; the rates of a group of sessions are one group."""
    return _groups(sidecar.task, sidecar.columns, tuple(spec.group for spec in sidecar.groups))


@lru_cache(maxsize=16)
def _groups(task: Task, columns: tuple[str, ...], with_past: tuple[Group, ...]) -> Groups:
    features = {f.name: f for f in features_of(task)}
    rates = {name: group for group in with_past for name in column_names(group)}
    named = {name: f.theme for name, f in features.items()} | {n: f"same {noun(g)}" for n, g in rates.items()}
    themes = tuple(named.get(name, DETAILS) for name in columns)
    facts = [theme_facts(theme) for theme in themes]
    names = sorted({fact.group for fact in facts})
    of_column = np.array([names.index(each.group) for each in facts], dtype=np.int64)
    of_session = [
        fact.of_session or (name in rates and rates[name].kind == "sessions")
        for fact, name in zip(facts, columns, strict=True)
    ]
    return Groups(
        themes,
        of_column,
        tuple(np.flatnonzero(of_column == group) for group in range(len(names))),
        np.array([task in fact.direct_for for fact in facts], dtype=np.bool_),
        np.array([fact.narrow for fact in facts], dtype=np.bool_),
        np.array(of_session, dtype=np.bool_),
        np.array([name in features and features[name].history for name in columns], dtype=np.bool_),
    )
