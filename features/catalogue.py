"""Which columns each model reads, and the matrix of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.vocabulary import AttributeType
from features import columns as c
from features.columns import Feature
from features.dataset import Attribute
from features.past import Past
from features.queries import by_tutor
from features.stream import Column

NO_SHOW_FEATURES: tuple[Feature, ...] = (
    c.no_shows_30d,
    c.no_shows_90d,
    c.no_shows_lifetime,
    c.no_show_rate,
    c.no_show_rate_90d,
    c.last_minute_cancellations_90d,
    c.reschedules_7d,
    c.reschedules_30d,
    c.reschedules_90d,
    c.reschedule_rate_7d,
    c.reschedule_rate_30d,
    c.reschedule_rate_90d,
    c.silence_hours,
    c.hours_to_start,
    c.lead_hours,
    c.weekday,
    c.hour,
    c.own_slot_no_show_rate,
    c.pair_sessions,
    c.pair_days_since_last,
    c.load_7d,
    c.tenure_days,
    c.days_since_last_session,
)
"""Columns of the no-show model, one row a session."""

CHURN_FEATURES: tuple[Feature, ...] = (
    c.no_shows_90d,
    c.no_show_rate,
    c.last_minute_cancellations_90d,
    c.reschedules_7d,
    c.reschedules_30d,
    c.reschedule_rate_30d,
    c.reschedule_rate_90d,
    c.silence_hours,
    c.messages_7d,
    c.load_7d,
    c.load_30d,
    c.load_change,
    c.load_change_90d,
    c.messages_change_90d,
    c.tenure_days,
    c.days_since_last_session,
    c.attention_30d,
    c.rating_90d,
    c.first_session_rating_90d,
    c.first_sessions_30d,
)
"""Columns of the churn model, one row a tutor and moment."""


def compute(features: Sequence[Feature], past: Past) -> NDArray[np.float32]:
    """The matrix (queries, features) of float32, NaN for missing, in Fortran order."""
    places, queries = by_tutor(past.queries, past.history.n_tutors)
    ordered = Past(past.history, queries, past.priors)
    matrix = np.empty((len(queries), len(features)), dtype=np.float32, order="F")
    for i, feature in enumerate(features):
        matrix[places, i] = feature.compute(ordered)
    return matrix


def attribute_values(past: Past) -> dict[Attribute, pa.Array]:
    """The attributes of each query's session and tutor, as Arrow arrays (queries,)."""
    history, tutor = past.history, past.queries.tutor
    of_tutors = history.tutor_attributes()
    indices = pa.array(tutor, mask=tutor < 0)
    values = {a: of_tutors[a.name].take(indices) for a in history.dataset.feature_attributes("tutors")}
    if past.queries.session is not None:
        sessions = past.queries.session.attributes
        values |= {a: sessions[a.name] for a in history.dataset.feature_attributes("sessions")}
    return values


def encode(attribute: Attribute, values: pa.Array, categories: Mapping[str, Sequence[str]]) -> Column:
    """An attribute as numbers (n,): itself, or its category's place in `categories`; NaN for null or unseen."""
    if attribute.type is AttributeType.CATEGORICAL:
        known = pa.array(categories.get(attribute.name, ()), pa.string())
        values = pc.cast(pc.index_in(values, known), pa.float64())
    return np.asarray(pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False))
