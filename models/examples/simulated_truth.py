"""True probabilities of simulated data, aligned with rows; used only for the ceilings of an evaluation."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import InvalidDataset
from domain.horizons import CHURN_HORIZON
from domain.vocabulary import Task
from features.base.kernel import positions
from features.base.stream import Stream
from features.history.history import History, microseconds
from models.examples.rows import Rows


def align(
    task: Task, truth: pa.Table, history: History, rows: Rows, horizon: timedelta = CHURN_HORIZON
) -> NDArray[np.float64]:
    """Returns the true probability of each row (rows,), from a truth table (kind, subject_id, as_of, value).

    A churn row takes the latest value at or before its moment. Raises InvalidDataset where a row has none.
    """
    if task is Task.NO_SHOW:
        values = of_sessions(truth, history)[rows.subject]
    elif horizon != CHURN_HORIZON:
        raise InvalidDataset(f"the truth covers leaving within {CHURN_HORIZON.days} days: use that horizon")
    else:
        values = _of_tutors(truth.filter(pc.equal(truth["kind"], "churn_30d")), history, rows)
    if np.isnan(values).any():
        raise InvalidDataset(
            f"{int(np.isnan(values).sum())} of {len(rows)} rows have no true probability in the truth file"
        )
    return values


def of_sessions(truth: pa.Table, history: History) -> NDArray[np.float64]:
    """Returns the true no-show probability of every session of the history, (sessions,); NaN where unknown."""
    known = truth.filter(pc.equal(truth["kind"], "no_show"))
    place = pc.index_in(history.dataset.tables["sessions"]["session_id"], known["subject_id"])
    return np.asarray(pc.fill_null(known["value"].take(place), float("nan")).to_numpy())


def _of_tutors(truth: pa.Table, history: History, rows: Rows) -> NDArray[np.float64]:
    known_at, tutor = microseconds(truth["as_of"]), history.tutor_codes(truth["subject_id"])
    order = np.argsort(known_at, kind="stable")
    place = np.arange(order.size)
    stream = Stream.build(tutor[order], known_at[order], history.n_tutors, {"place": place})
    # The stream is ordered by tutor; the same stable sort orders the values of the truth.
    values = truth["value"].to_numpy()[order][np.argsort(tutor[order], kind="stable")[(tutor < 0).sum() :]]
    last = positions(stream.starts, stream.known, rows.queries.tutor, rows.queries.as_of + 1) - 1
    some = last >= stream.starts[rows.queries.tutor]
    return np.where(some, values[np.maximum(last, 0)], np.nan)
