"""Catalogue of the features, and the matrix of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import AttributeType, Task
from features.as_of.past import Past
from features.as_of.queries import by_tutor
from features.base.array_types import Column, Matrix
from features.base.dataset import Attribute
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
    positions, queries = by_tutor(past.queries, past.history.n_tutors)
    ordered = past if queries is past.queries else Past(past.history, queries, past.priors)
    matrix = np.empty((len(queries), len(features)), dtype=np.float32, order="F")
    for i, feature in enumerate(features):
        matrix[positions, i] = feature.compute(ordered)
    return matrix


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
