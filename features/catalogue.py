"""Which columns each model reads, and the matrix of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.vocabulary import AttributeType
from features import columns as c
from features.as_of.past import Past
from features.as_of.queries import by_tutor
from features.base.dataset import Attribute
from features.base.stream import Column
from features.columns import Feature

NO_SHOW_FEATURES: tuple[Feature, ...] = (
    c.no_shows_30d,
    c.no_shows_90d,
    c.no_shows_lifetime,
    c.no_show_rate,
    c.no_show_rate_90d,
    c.kept_streak,
    c.bad_streak,
    c.last_minute_cancellations_90d,
    c.last_minute_cancellations_4h_90d,
    c.last_minute_cancellation_rate_90d,
    c.last_minute_cancellation_rate_4h_90d,
    c.late_minutes_90d,
    c.late_minutes_lifetime,
    c.late_share,
    c.reschedules_7d,
    c.reschedules_30d,
    c.reschedules_90d,
    c.reschedule_rate_7d,
    c.reschedule_rate_30d,
    c.reschedule_rate_90d,
    c.student_reschedules_30d,
    c.student_reschedule_rate_90d,
    c.session_reschedules,
    c.reschedule_notice_hours_90d,
    c.short_notice_share_90d,
    c.student_request_share_90d,
    c.illness_share_90d,
    c.family_share_90d,
    c.technical_share_90d,
    c.schedule_conflict_share_90d,
    c.other_work_share_90d,
    c.unclear_share_90d,
    c.silence_hours,
    c.silence_ratio,
    c.unanswered_messages,
    c.answer_hours_30d,
    c.messages_14d,
    c.hours_to_start,
    c.lead_hours,
    c.weekday,
    c.hour,
    c.part_of_day,
    c.holiday,
    c.own_slot_no_show_rate,
    c.own_weekday_no_show_rate,
    c.own_part_of_day_no_show_rate,
    c.pair_sessions,
    c.pair_days_since_last,
    c.pair_no_shows,
    c.pair_no_show_rate,
    c.first_time_pair,
    c.load_7d,
    c.sessions_trend_8w,
    c.taught_hours_30d,
    c.taught_hours_90d,
    c.booked_7d,
    c.booked_same_day,
    c.booked_back_to_back,
    c.tenure_days,
    c.days_since_last_session,
)
"""Columns of the no-show model, one row a session."""

CHURN_FEATURES: tuple[Feature, ...] = (
    c.no_show_rate,
    c.kept_streak,
    c.last_minute_cancellations_90d,
    c.late_minutes_90d,
    c.reschedules_7d,
    c.reschedule_rate_30d,
    c.reschedule_rate_90d,
    c.silence_hours,
    c.answer_hours_30d,
    c.messages_7d,
    c.messages_30d,
    c.messages_60d,
    c.messages_change_90d,
    c.load_30d,
    c.load_change,
    c.load_change_90d,
    c.sessions_trend_4w,
    c.sessions_trend_12w,
    c.taught_hours_change,
    c.tenure_days,
    c.days_since_last_session,
    c.attention_30d,
    c.rating_90d,
    c.first_session_rating_90d,
    c.first_session_lost_rate,
    c.first_sessions_30d,
)
"""Columns of the churn model, one row a tutor and moment. Few, as departures are."""


def compute(features: Sequence[Feature], past: Past) -> NDArray[np.float32]:
    """The matrix (queries, features) of float32, NaN for missing, in Fortran order."""
    places, queries = by_tutor(past.queries, past.history.n_tutors)
    ordered = past if queries is past.queries else Past(past.history, queries, past.priors)
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
