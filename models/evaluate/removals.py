"""Columns whose removal changes the held-out ROC AUC most."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from features.base.array_types import Matrix, Values
from models.evaluate.metrics import Removal, figures

MOST_SHOWN = 5
"""Columns shown to a person before a promotion."""

MOST_ROWS = 10_000
"""Approximate number of held-out rows scored for each removal."""

MOST_UNCONFIRMED = 0.1
"""ROC AUC that columns may add together before a person confirms that they are known when asked."""

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
    columns: Sequence[str],
    reasons: Mapping[str, str],
    tried: Collection[str],
    seed: int,
) -> Removals:
    """Returns the single removals that cost most, the largest first, and the joint one of all columns to confirm.

    Takes the held-out `matrix` (rows, columns), its 0/1 labels (rows,), the names of its columns, the reason why each
    name is known when asked, and the names of those `tried`. Columns of one name are removed together: an attribute and
    the rates computed from it. Without columns to confirm the joint removal is None.
    """
    unconfirmed = [place for place, name in enumerate(columns) if not reasons[name]]
    places = {name: [place for place, other in enumerate(columns) if other == name] for name in tried}
    lost = losses(score, matrix, labels, places | ({TOGETHER: unconfirmed} if unconfirmed else {}), seed)
    together = lost.pop(TOGETHER, None)
    largest = sorted((name for name in lost if lost[name] > 0), key=lambda name: -lost[name])[:MOST_SHOWN]
    names = dict.fromkeys(columns[place] for place in unconfirmed)
    return (
        tuple(Removal(name, lost[name], reasons[name]) for name in largest),
        None if together is None else Removal(", ".join(names), together),
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


def question_of(unconfirmed: Removal | None, most: float = MOST_UNCONFIRMED) -> str | None:
    """Returns the question to a person about columns that together add more than `most` ROC AUC; otherwise None."""
    if unconfirmed is None or unconfirmed.loss <= most:
        return None
    return (
        f"{unconfirmed.column}: known when asked? Without them the ROC AUC changes by {-unconfirmed.loss:+.3f}; "
        "declare `known_when_asked: REASON` in the dataset file for those that are, and `late: true` for the others"
    )
