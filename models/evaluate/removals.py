"""Columns whose removal changes the held-out ROC AUC most."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from features.base.array_types import Matrix, Values
from models.evaluate.metrics import Removal, figures

MOST_SHOWN = 5
"""Columns shown to a person before a promotion."""

MOST_ROWS = 10_000
"""Approximate number of held-out rows scored for each removal."""

TOGETHER = ""
"""Name of the joint removal; no column has it."""

COMPUTED = "computed as of the query"
"""Reason why a feature is known when asked; about an attribute only a person knows."""


Removals = tuple[tuple[Removal, ...], Removal | None]
"""Single removals, and the joint one."""


def removals_of(
    score: Callable[[Matrix], Values],
    matrix: Matrix,
    labels: Values,
    columns: Mapping[str, str],
    tried: Collection[str],
    seed: int,
) -> Removals:
    """Returns the single removals that cost most, the largest first, and the joint one of all columns to confirm.

    Takes the held-out `matrix` (rows, columns), its 0/1 labels (rows,), the reason why each of its columns is known
    when asked, by name and in order, and the names of those `tried`. Without columns to confirm the joint one is None.
    """
    unconfirmed = [place for place, reason in enumerate(columns.values()) if not reason]
    places = {name: [place] for place, name in enumerate(columns) if name in tried}
    lost = losses(score, matrix, labels, places | ({TOGETHER: unconfirmed} if unconfirmed else {}), seed)
    together = lost.pop(TOGETHER, None)
    largest = sorted(lost, key=lambda name: -lost[name])[:MOST_SHOWN]
    return (
        tuple(Removal(name, lost[name], columns[name]) for name in largest),
        None if together is None else Removal(", ".join(np.array([*columns])[unconfirmed]), together),
    )


def losses(
    score: Callable[[Matrix], Values], matrix: Matrix, labels: Values, places: Mapping[str, Sequence[int]], seed: int
) -> dict[str, float]:
    """Returns the ROC AUC lost without the columns at some places, by name: (rows, columns) and 0/1 labels (rows,).

    A column is removed by permuting its values among the held-out rows, without training again (permutation importance:
    Breiman 2001, Machine Learning 45:5). Columns that duplicate each other therefore lose little one by one.
    """
    step = -(-len(matrix) // MOST_ROWS)
    rows, outcomes = matrix[::step], labels[::step]
    if outcomes.min() == outcomes.max():
        return {}
    drawn = rows[np.random.default_rng(seed).permutation(len(rows))]
    whole = _roc_auc(outcomes, score(rows))
    lost = {}
    for name, removed in places.items():
        without = rows.copy()
        without[:, removed] = drawn[:, removed]
        lost[name] = whole - _roc_auc(outcomes, score(without))
    return lost


def _roc_auc(labels: Values, scores: Values) -> float:
    return figures(labels, scores)["roc_auc"].value
