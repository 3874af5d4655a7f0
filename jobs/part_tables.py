"""Feature table of finished sessions, computed by part on an engine and put into the order of the sessions."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa

from features.as_of.prior_estimation import PriorCounts, prior_counts, priors_of
from features.as_of.priors import Priors
from features.as_of.queries import microseconds_of
from features.base.dataset import Dataset
from features.catalogue import NO_SHOW_FEATURES
from features.history.history import History
from features.partitions import partition
from jobs.compute_engines import Engine, Parts
from models.artifact import matrix
from models.examples.rows import Rows, finished_rows

PLACE = "place"
"""Column with the position of a session in the whole dataset."""


def feature_table(dataset: Dataset, as_of: datetime, engine: Engine, n_parts: int = 0) -> pa.Table:
    """One row a session whose outcome was known at `as_of`: its id, moment, label and every column.

    Computed in `n_parts` parts, or in a number that suits the data for 0; the table does not depend on it.
    """
    before = microseconds_of(as_of)
    divided = partition(dataset, n_parts)
    parts = engine.share(divided)
    priors = priors_of(engine.each(partial(count, parts, before), len(divided)))
    return _in_order(engine.each(partial(build, parts, before, priors), len(divided)))


def count(parts: Parts, before: int, i: int) -> PriorCounts:
    """Counts of a part for the priors, known before a moment (UTC microseconds)."""
    return prior_counts(History(parts[i].dataset), before)


def finished(history: History, before: int) -> Rows:
    """Completed and missed sessions whose outcome was known before a moment (UTC microseconds)."""
    rows = finished_rows(history)
    return rows.where(rows.known_at < before)


def build(parts: Parts, before: int, priors: Priors, i: int) -> pa.Table:
    """Rows of a part, with their positions."""
    part = parts[i]
    history = History(part.dataset)
    rows = finished(history, before)
    columns = matrix.build(NO_SHOW_FEATURES, [], history, rows.queries, priors)
    return pa.table(
        {
            PLACE: part.rows[rows.subject],
            "session_id": part.dataset.tables["sessions"]["session_id"].take(pa.array(rows.subject)),
            "as_of": pa.array(rows.queries.as_of, pa.timestamp("us", tz="UTC")),
            "missed": rows.label.astype(np.int8),
        }
        | {feature.name: columns[:, j] for j, feature in enumerate(NO_SHOW_FEATURES)}
    )


def _in_order(tables: Sequence[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(tables)
    return whole.take(pa.array(np.argsort(whole[PLACE].to_numpy()))).drop_columns([PLACE])
