"""Catalogue of the features, and the matrix of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import AttributeType, Task
from features.as_of.past import Past
from features.as_of.queries import by_tutor
from features.base.array_types import Column, Ints, Matrix
from features.base.dataset import Attribute
from features.base.kernel import put_rows
from features.columns import activity, messages, no_shows, quality, reschedules, session
from features.columns.feature import Feature

_MODULES = (no_shows, reschedules, messages, session, activity, quality)
"""Modules of features; a model's columns are in the order of these and of the functions in each."""

FEATURES: Mapping[str, Feature] = MappingProxyType(
    {value.name: value for module in _MODULES for value in vars(module).values() if isinstance(value, Feature)}
)
"""Every feature by the name of its column."""

NO_SHOW_FEATURES = tuple(feature for feature in FEATURES.values() if Task.NO_SHOW in feature.models)
"""Columns of the no-show model, one row for each session."""

CHURN_FEATURES = tuple(feature for feature in FEATURES.values() if Task.CHURN in feature.models)
"""Columns of the churn model, one row for each tutor and moment. Few, because departures are few."""


def compute(features: Sequence[Feature], past: Past) -> Matrix:
    """Matrix (queries, features) of float32, NaN for missing, in Fortran order."""
    positions, ordered = _by_tutor(past)
    matrix = np.empty((positions.size, len(features)), dtype=np.float32, order="F")
    for i, feature in enumerate(features):
        matrix[positions, i] = feature.compute(ordered)
    return matrix


def compute_into(matrix: Matrix, rows: Ints, features: Sequence[Feature], past: Past) -> None:
    """Write the columns of the queries into `rows` (queries,) of a matrix (n, features) in C order.

    Rows far apart are written once each: column by column, every write would load another line of the cache.
    """
    positions, ordered = _by_tutor(past)
    columns = np.empty((positions.size, len(features)), dtype=np.float32, order="F")
    for i, feature in enumerate(features):
        columns[:, i] = feature.compute(ordered)
    put_rows(matrix, rows[positions], columns)


def _by_tutor(past: Past) -> tuple[Ints, Past]:
    """Original position of each query in the order of tutors, (queries,), and the past of the queries in that order."""
    positions, queries = by_tutor(past.queries, past.history.n_tutors)
    return positions, past if queries is past.queries else Past(past.history, queries, past.priors)


def attribute_values(past: Past) -> dict[Attribute, pa.Array]:
    """Attributes of each query's session and tutor, as Arrow arrays (queries,)."""
    history, tutor = past.history, past.queries.tutor
    of_tutors = history.tutor_attributes()
    indices = pa.array(tutor, mask=tutor < 0)
    values = {a: of_tutors[a.name].take(indices) for a in history.dataset.feature_attributes("tutors")}
    if past.queries.session is not None:
        sessions = past.queries.session.attributes
        values |= {a: sessions[a.name] for a in history.dataset.feature_attributes("sessions")}
    return values


def encode(attribute: Attribute, values: pa.Array, categories: Mapping[str, Sequence[str]]) -> Column:
    """An attribute as numbers (n,): its value or its category's position in `categories`; NaN if null or unseen."""
    if attribute.type is AttributeType.CATEGORICAL:
        known = pa.array(categories.get(attribute.name, ()), pa.string())
        values = pc.cast(pc.index_in(values, known), pa.float64())
    return np.asarray(pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False))
