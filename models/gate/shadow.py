"""Known outcomes of the subjects that challenger and champion both scored."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.horizons import CHURN_HORIZON
from domain.vocabulary import ScoreKind, Task
from features.base.array_types import Ints
from features.history.history import MISSING, History
from models.examples.rows import data_span, leaving_moments, no_show_rows, span
from models.gate.checks import Policy
from models.gate.decision import Contest, GateDecision, compare

COMPARED = {Task.NO_SHOW: ScoreKind.NO_SHOW, Task.CHURN: ScoreKind.CHURN_30D}
"""The score of each task by which challenger and champion are compared."""

Outcomes = tuple[Ints, NDArray[np.float64], Ints]


def outcomes(task: Task, history: History, subject_ids: Sequence[str], as_of: Ints) -> Outcomes:
    """Returns (places among the subjects, 0/1 labels, tutor codes) of the known outcomes, (known,) each.

    `as_of` (subjects,) is in UTC microseconds. A cancelled session never has a label.
    """
    if task is Task.NO_SHOW:
        return _of_sessions(history, subject_ids)
    return _of_tutors(history, subject_ids, as_of)


def _of_sessions(history: History, subject_ids: Sequence[str]) -> Outcomes:
    rows = no_show_rows(history)
    wanted = pa.array(subject_ids, pa.string())
    session = pc.fill_null(pc.index_in(wanted, history.dataset.tables["sessions"]["session_id"].combine_chunks()), -1)
    labels = np.full(len(history.sessions) + 1, np.nan)  # the last entry is for sessions that no longer exist
    labels[rows.subject] = rows.label
    outcome = labels[session.to_numpy(zero_copy_only=False)]
    known = np.flatnonzero(~np.isnan(outcome))
    return known, outcome[known], history.sessions.tutor[session.to_numpy(zero_copy_only=False)[known]]


def _of_tutors(history: History, subject_ids: Sequence[str], as_of: Ints) -> Outcomes:
    tutor, ahead = history.tutor_codes(pa.array(subject_ids, pa.string())), span(CHURN_HORIZON)
    known = np.flatnonzero((as_of + ahead <= data_span(history)[1]) & (tutor >= 0))
    moments = as_of[known]
    leaves_at = leaving_moments(history, tutor[known], moments, CHURN_HORIZON)
    label = (leaves_at != MISSING) & (leaves_at < moments + ahead)
    return known, label.astype(np.float64), tutor[known]


def decide(contest: Contest, policy: Policy, seed: int) -> GateDecision:
    """Decide whether a challenger may replace the champion, from the scores of both and the outcomes."""
    return GateDecision(checks=(compare(contest, policy, seed),), usable=True)
