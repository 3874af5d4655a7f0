"""Leak checks: training stops and names a column that appears to contain the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import LeakSuspected
from features.base.array_types import Matrix, Values
from features.base.dataset import Dataset
from models.evaluate.metrics import Figure, Origin, figures

MOST_AUC = 0.9
"""ROC AUC above which a single column is suspected to contain the outcome."""

MOST_ODDS = 81.0
"""The odds ratio of presence and outcome at which presence alone has an AUC of 0.9: (0.9 / 0.1)²."""

FEWEST_OUTCOMES = 20
"""Least outcomes of each class among the rows with a value: below, an AUC is chance."""

EMPTY_SHARE, EMPTY_EXPECTED = 0.01, 50
"""An outcome counts as absent among present, or missing, values at up to this share of at least 50 expected ones."""

LEAST_DROP = 0.05
"""Smallest excess of the test ROC AUC over the rolling origins that raises an alarm."""

_MOST_ROWS = 100_000


def check_leaks(matrix: Matrix, labels: Values, columns: Sequence[str], dataset: Dataset) -> None:
    """Raise LeakSuspected, naming the columns, where training columns predict the outcome implausibly well.

    Takes the training `matrix` (rows, columns), NaN for missing, and 0/1 `labels` (rows,).
    """
    alarms = leak_alarms(matrix, labels, columns, dataset)
    if alarms:
        raise LeakSuspected(
            f"{'; '.join(alarms)}. Mark such a field `late: true` in the dataset file, or leave it out."
        )


def leak_alarms(matrix: Matrix, labels: Values, columns: Sequence[str], dataset: Dataset) -> tuple[str, ...]:
    """Returns the alarms about these columns, each beginning with the column's name."""
    step = -(-len(matrix) // _MOST_ROWS) if len(matrix) else 1
    rows, outcomes = matrix[::step], labels[::step]
    late = {a.name for a in dataset.attributes if a.late}
    alarms: list[str] = []
    for place, name in enumerate(columns):
        values = rows[:, place]
        checked = (late_alarm(name, late), value_alarm(name, values, outcomes), gap_alarm(name, values, outcomes))
        alarms += [alarm for alarm in checked if alarm]
    return tuple(alarms)


def late_alarm(name: str, late: set[str]) -> str | None:
    """Returns the alarm about a column that the dataset file marks as written after the booking."""
    return f"{name} is marked late in the dataset file" if name in late else None


def value_alarm(name: str, values: NDArray[np.float32], labels: Values) -> str | None:
    """Returns the alarm about a column whose values alone rank the outcomes nearly perfectly: (rows,) each."""
    auc = own_auc(values, labels)
    return f"{name} alone has ROC AUC {auc:.3f}, above {MOST_AUC}" if auc > MOST_AUC else None


def own_auc(values: NDArray[np.float32], labels: Values) -> float:
    """Returns the ROC AUC of a column's present values, in the better direction; 0.5 with too few outcomes."""
    some = ~np.isnan(values)
    positives = labels[some].sum()
    if min(positives, some.sum() - positives) < FEWEST_OUTCOMES:
        return 0.5
    auc = figures(labels[some], values[some].astype(np.float64))["roc_auc"].value
    return max(auc, 1 - auc)


def gap_alarm(name: str, values: NDArray[np.float32], labels: Values) -> str | None:
    """Returns the alarm about a column whose presence predicts the outcome: (rows,) each.

    Either the odds ratio of presence and outcome is above MOST_ODDS at 95 % (Woolf's interval, with Haldane's half
    added: Haldane 1956, Annals of Human Genetics 20:309), or one outcome is nearly absent among present or
    among missing values. Columns missing for new tutors do neither: new tutors have both outcomes.
    """
    present = ~np.isnan(values)
    if present.all() or not present.any():
        return None
    kinds = np.bincount(2 * present + (labels > 0), minlength=4).astype(np.float64).reshape(2, 2)
    log_odds = np.log(kinds + 0.5)
    ratio = abs(log_odds[0, 0] + log_odds[1, 1] - log_odds[0, 1] - log_odds[1, 0])
    lowest = ratio - 1.96 * np.sqrt((1 / (kinds + 0.5)).sum())
    expected = kinds.sum(axis=1, keepdims=True) * kinds.sum(axis=0) / kinds.sum()
    empty = (expected >= EMPTY_EXPECTED) & (kinds <= EMPTY_SHARE * expected)
    if lowest <= np.log(MOST_ODDS) and not empty.any():
        return None
    shares = kinds[:, 1] / kinds.sum(axis=1)
    return (
        f"{name} predicts the outcome by its presence: {shares[1]:.1%} of the rows with a value are positive, "
        f"{shares[0]:.1%} of those without"
    )


@dataclass(frozen=True)
class Labelled:
    """Matrix (rows, columns) and 0/1 labels (rows,) of some rows."""

    matrix: Matrix
    labels: Values


def check_origins(
    test: Figure, origins: Sequence[Origin], columns: Sequence[str], trained: Labelled, tested: Labelled
) -> None:
    """Raise LeakSuspected, naming a column, where the test ROC AUC is far above that of the rolling origins."""
    alarm = origin_alarm(test, origins)
    if alarm:
        raise LeakSuspected(f"{most_risen(columns, trained, tested)}: {alarm}")


def origin_alarm(test: Figure, origins: Sequence[Origin]) -> str | None:
    """Returns the alarm about a test ROC AUC above the rolling origins' median by over 0.05 and three standard errors.

    The median, because one origin without signal does not indicate a leak. None with fewer than two origins.
    """
    earlier = [origin.figures["roc_auc"] for origin in origins if origin.figures]
    if len(earlier) < 2:
        return None
    median = float(np.median([figure.value for figure in earlier]))
    error = np.hypot(_error(test), np.median([_error(figure) for figure in earlier]))
    if test.value - median <= max(LEAST_DROP, 3 * error):
        return None
    return (
        f"the test's ROC AUC {test.value:.3f} is far above the rolling origins' {median:.3f}, and the ROC AUC of this "
        "column rose most. Is it written after the outcome?"
    )


def most_risen(columns: Sequence[str], trained: Labelled, tested: Labelled) -> str:
    """Returns the column whose ROC AUC rises most from the training to the test rows."""
    rises = [
        own_auc(tested.matrix[:, i], tested.labels) - own_auc(trained.matrix[:, i], trained.labels)
        for i in range(len(columns))
    ]
    return columns[int(np.argmax(rises))]


def _error(figure: Figure) -> float:
    return 0.0 if np.isnan(figure.low) else (figure.high - figure.low) / (2 * 1.96)
