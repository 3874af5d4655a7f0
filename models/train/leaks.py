"""Leak checks: training stops and names a column that appears to contain the outcome."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

SILENT = 0.5
"""ROC AUC of a model without signal, which has one value for all rows."""

_MOST_ROWS = 100_000

REMEDY = (
    "Mark such a field `late: true` in the dataset file, or leave it out. If it is known when asked, declare "
    "`known_when_asked: REASON` there, or for one training --known-when-asked COLUMN=REASON"
)


@dataclass(frozen=True)
class Alarm:
    """A column suspected to contain the outcome, and the reason in words."""

    column: str
    words: str

    def __str__(self) -> str:
        return f"{self.column} {self.words}"


def check_leaks(alarms: Iterable[Alarm], reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Raise LeakSuspected, naming the columns, for alarms about columns without a reason why they are known when asked.

    Returns the alarms overridden by a reason, with it.
    """
    of_columns = {alarm.column: alarm for alarm in reversed([*alarms])}  # the first alarm of each column
    suspected = [str(alarm) for name, alarm in reversed(of_columns.items()) if name not in reasons]
    if suspected:
        raise LeakSuspected(f"{'; '.join(suspected)}. {REMEDY}.")
    return tuple(f"{alarm}; overridden: {reasons[name]}" for name, alarm in reversed(of_columns.items()))


def leak_alarms(matrix: Matrix, labels: Values, columns: Sequence[str], dataset: Dataset) -> Iterator[Alarm]:
    """Yields the alarms about training columns that predict the outcome implausibly well, or are marked late.

    Takes the training `matrix` (rows, columns), NaN for missing, and 0/1 `labels` (rows,).
    """
    late = {a.name for a in dataset.attributes if a.late}
    step = -(-len(matrix) // _MOST_ROWS) if len(matrix) else 1
    rows, outcomes = matrix[::step], labels[::step]
    for place, name in enumerate(columns):
        values = rows[:, place]
        alarm = late_alarm(name, late) or value_alarm(name, values, outcomes) or gap_alarm(name, values, outcomes)
        if alarm:
            yield alarm


def late_alarm(name: str, late: set[str]) -> Alarm | None:
    """Returns the alarm about a column that the dataset file marks as written after the booking."""
    return Alarm(name, "is marked late in the dataset file") if name in late else None


def value_alarm(name: str, values: NDArray[np.float32], labels: Values) -> Alarm | None:
    """Returns the alarm about a column whose values alone rank the outcomes nearly perfectly: (rows,) each."""
    auc = own_auc(values, labels)
    return Alarm(name, f"alone has ROC AUC {auc:.3f}, above {MOST_AUC}") if auc > MOST_AUC else None


def own_auc(values: NDArray[np.float32], labels: Values) -> float:
    """Returns the ROC AUC of a column's present values, in the better direction; 0.5 with too few outcomes."""
    some = ~np.isnan(values)
    positives = labels[some].sum()
    if min(positives, some.sum() - positives) < FEWEST_OUTCOMES:
        return 0.5
    auc = figures(labels[some], values[some].astype(np.float64))["roc_auc"].value
    return max(auc, 1 - auc)


def gap_alarm(name: str, values: NDArray[np.float32], labels: Values) -> Alarm | None:
    """Returns the alarm about a column whose presence predicts the outcome: (rows,) each.

    Columns missing for new tutors do not: new tutors have both outcomes.
    """
    present = ~np.isnan(values)
    if not decides(present, labels):
        return None
    shares = labels[present].mean(), labels[~present].mean()
    return Alarm(
        name,
        f"predicts the outcome by its presence: {shares[0]:.1%} of the rows with a value are positive, "
        f"{shares[1]:.1%} of those without",
    )


def decides(inside: NDArray[np.bool_], labels: Values) -> bool:
    """Returns whether membership of a group predicts the outcome implausibly well: (rows,) each.

    Either the odds ratio of membership and outcome is above MOST_ODDS at 95 % (Woolf's interval, with Haldane's half
    added: Haldane 1956, Annals of Human Genetics 20:309), or one outcome is nearly absent among members or others.
    """
    if inside.all() or not inside.any():
        return False
    kinds = np.bincount(2 * inside + (labels > 0), minlength=4).astype(np.float64).reshape(2, 2)
    log_odds = np.log(kinds + 0.5)
    ratio = abs(log_odds[0, 0] + log_odds[1, 1] - log_odds[0, 1] - log_odds[1, 0])
    lowest = ratio - 1.96 * np.sqrt((1 / (kinds + 0.5)).sum())
    expected = kinds.sum(axis=1, keepdims=True) * kinds.sum(axis=0) / kinds.sum()
    empty = (expected >= EMPTY_EXPECTED) & (kinds <= EMPTY_SHARE * expected)
    return bool(lowest > np.log(MOST_ODDS) or empty.any())


@dataclass(frozen=True)
class Labelled:
    """Matrix (rows, columns) and 0/1 labels (rows,) of some rows."""

    matrix: Matrix
    labels: Values


def origin_alarms(
    test: Figure, origins: Sequence[Origin], columns: Sequence[str], trained: Labelled, tested: Labelled
) -> Iterator[Alarm]:
    """Yields the alarm about a test ROC AUC far above the rolling origins, for the column that rose most."""
    if words := origin_words(test, origins):
        yield Alarm(most_risen(columns, trained, tested), words)


def origin_words(test: Figure, origins: Sequence[Origin]) -> str | None:
    """Returns the reason for an alarm: a test ROC AUC above the origins' median by over 0.05 and three standard errors.

    The median, because one poor origin does not indicate a leak. Silent origins, whose model fell back to one value for
    all rows, do not count. None with fewer than two others.
    """
    earlier = [origin.figures["roc_auc"] for origin in origins if origin.figures]
    earlier = [figure for figure in earlier if figure.value != SILENT]
    if len(earlier) < 2:
        return None
    median = float(np.median([figure.value for figure in earlier]))
    error = np.hypot(_error(test), np.median([_error(figure) for figure in earlier]))
    if test.value - median <= max(LEAST_DROP, 3 * error):
        return None
    return (
        f"may be written after the outcome: its ROC AUC rose most, and the test's ROC AUC {test.value:.3f} is far "
        f"above the rolling origins' {median:.3f}"
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
