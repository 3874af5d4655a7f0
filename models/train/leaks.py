"""What looks as if the outcome had leaked into the columns. Training stops, with the column's name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import LeakSuspected
from features.base.array_types import Matrix, Values
from features.base.dataset import Dataset
from models.evaluate.metrics import Figure, Origin, figures

MOST_AUC = 0.9
"""No honest column orders outcomes this well on its own."""

MOST_ODDS = 81.0
"""The odds ratio of presence and outcome at which presence alone has an AUC of 0.9: (0.9 / 0.1)²."""

FEWEST_OUTCOMES = 20
"""Of either class among the rows with a value: below, an AUC is chance."""

EMPTY_SHARE, EMPTY_EXPECTED = 0.01, 50
"""An outcome is absent beside a value, or beside a gap, when at most this share of so many expected ones are there."""

LEAST_DROP = 0.05
"""How far the test may be above the rolling origins whatever their errors."""

_MOST_ROWS = 100_000


def check_leaks(matrix: Matrix, labels: Values, columns: Sequence[str], dataset: Dataset) -> None:
    """Raise LeakSuspected, naming the columns, where the training rows look too good to be true.

    `matrix` (rows, columns) of what the model learns from, NaN for missing, and 0/1 `labels` (rows,).
    """
    found = leak_alarms(matrix, labels, columns, dataset)
    if found:
        raise LeakSuspected(f"{'; '.join(found)}. Mark such a field `late: true` in the dataset file, or leave it out.")


def leak_alarms(matrix: Matrix, labels: Values, columns: Sequence[str], dataset: Dataset) -> tuple[str, ...]:
    """Every alarm about these columns in words, each beginning with the column's name."""
    step = -(-len(matrix) // _MOST_ROWS) if len(matrix) else 1
    rows, of = matrix[::step], labels[::step]
    late = {a.name for a in dataset.attributes if a.late}
    found = []
    for place, name in enumerate(columns):
        alarms = (late_alarm(name, late), value_alarm(name, rows[:, place], of), gap_alarm(name, rows[:, place], of))
        found += [alarm for alarm in alarms if alarm]
    return tuple(found)


def late_alarm(name: str, late: set[str]) -> str | None:
    """The alarm about a column that the dataset file says is written after the booking."""
    return f"{name} is marked late in the dataset file" if name in late else None


def value_alarm(name: str, values: NDArray[np.float32], labels: Values) -> str | None:
    """The alarm about a column whose values alone order the outcomes nearly perfectly, up or down: (rows,) each."""
    auc = own_auc(values, labels)
    return f"{name} alone has ROC AUC {auc:.3f}, above {MOST_AUC}" if auc > MOST_AUC else None


def own_auc(values: NDArray[np.float32], labels: Values) -> float:
    """The ROC AUC of a column alone, up or down, where it has a value: 0.5 where that is too seldom to say."""
    some = ~np.isnan(values)
    positives = labels[some].sum()
    if min(positives, some.sum() - positives) < FEWEST_OUTCOMES:
        return 0.5
    auc = figures(labels[some], values[some].astype(np.float64))["roc_auc"].value
    return max(auc, 1 - auc)


def gap_alarm(name: str, values: NDArray[np.float32], labels: Values) -> str | None:
    """The alarm about a column whose being there tells the outcome: (rows,) each.

    Either the odds ratio of presence and outcome is surely above MOST_ODDS (Woolf's interval, with Haldane's half
    added: Haldane 1956, Annals of Human Genetics 20:309), or one outcome is all but absent beside a value or beside a
    gap. A past that is missing for newcomers does neither: both outcomes happen to them.
    """
    there = ~np.isnan(values)
    if there.all() or not there.any():
        return None
    kinds = np.bincount(2 * there + (labels > 0), minlength=4).astype(np.float64).reshape(2, 2)
    log_odds = np.log(kinds + 0.5)
    ratio = abs(log_odds[0, 0] + log_odds[1, 1] - log_odds[0, 1] - log_odds[1, 0])
    surely = ratio - 1.96 * np.sqrt((1 / (kinds + 0.5)).sum())
    expected = kinds.sum(axis=1, keepdims=True) * kinds.sum(axis=0) / kinds.sum()
    empty = (expected >= EMPTY_EXPECTED) & (kinds <= EMPTY_SHARE * expected)
    if surely <= np.log(MOST_ODDS) and not empty.any():
        return None
    shares = kinds[:, 1] / kinds.sum(axis=1)
    return (
        f"{name} tells the outcome by being there: {shares[1]:.1%} of the rows with a value are positive, "
        f"{shares[0]:.1%} of those without"
    )


@dataclass(frozen=True)
class Labelled:
    """What the model reads of some rows (rows, columns), and their 0/1 labels (rows,)."""

    matrix: Matrix
    labels: Values


def check_origins(
    test: Figure, origins: Sequence[Origin], columns: Sequence[str], trained: Labelled, tested: Labelled
) -> None:
    """Raise LeakSuspected, naming a column, where the test ROC AUC is far above that of the rolling origins."""
    found = origin_alarm(test, origins)
    if found:
        raise LeakSuspected(f"{most_risen(columns, trained, tested)}: {found}")


def origin_alarm(test: Figure, origins: Sequence[Origin]) -> str | None:
    """The alarm about a test ROC AUC above the rolling origins' median by more than 0.05 and three standard errors.

    The median, as one origin that learnt nothing is no sign of a leak. None with fewer than two origins.
    """
    earlier = [origin.figures["roc_auc"] for origin in origins if origin.figures]
    if len(earlier) < 2:
        return None
    usual = float(np.median([figure.value for figure in earlier]))
    error = np.hypot(_error(test), np.median([_error(figure) for figure in earlier]))
    if test.value - usual <= max(LEAST_DROP, 3 * error):
        return None
    return (
        f"the test's ROC AUC {test.value:.3f} is far above the rolling origins' {usual:.3f}, and of all "
        "columns this one's own rose most. Is it written after the outcome?"
    )


def most_risen(columns: Sequence[str], trained: Labelled, tested: Labelled) -> str:
    """The column whose own ROC AUC is highest in the test rows against the training rows."""
    rises = [
        own_auc(tested.matrix[:, i], tested.labels) - own_auc(trained.matrix[:, i], trained.labels)
        for i in range(len(columns))
    ]
    return columns[int(np.argmax(rises))]


def _error(figure: Figure) -> float:
    return 0.0 if np.isnan(figure.low) else (figure.high - figure.low) / (2 * 1.96)
