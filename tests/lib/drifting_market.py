"""A marketplace whose sessions have an origin, and whose no-shows come in waves at an origin."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from domain.vocabulary import AttributeType
from features.base.array_types import Values
from features.base.dataset import TIME, Attribute, Dataset, arrow_schema
from features.base.stream import MICROSECONDS_A_DAY, MICROSECONDS_AN_HOUR
from tests.lib.histories import dataset

ORIGIN = Attribute("sessions", "origin", AttributeType.CATEGORICAL)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TUTORS, ORIGINS, DAYS = 100, 10, 60


def drifting_market(seed: int, day_sd: float = 1.0, per_day: int = 200) -> Dataset:
    """Sessions of 60 days at ten origins; the log odds of a no-show follow an autoregression over days at each."""
    rng = np.random.default_rng(seed)
    n = DAYS * per_day
    day, tutor, origin = np.repeat(np.arange(DAYS), per_day), rng.integers(0, TUTORS, n), rng.integers(0, ORIGINS, n)
    odds = -2.2 + rng.normal(0, 0.3, ORIGINS)[origin] + _waves(rng, day_sd)[day, origin]
    missed = rng.random(n) < 1 / (1 + np.exp(-odds))
    starts = int(BEGIN.timestamp() * 1e6) + day * MICROSECONDS_A_DAY + rng.integers(6, 22, n) * MICROSECONDS_AN_HOUR
    booked = starts - rng.integers(2, 30, n) * MICROSECONDS_A_DAY
    columns = {
        "session_id": pa.array([f"x{i}" for i in range(n)]),
        "tutor_id": pa.array([f"t{i}" for i in tutor]),
        "booked_at": _times(booked),
        "scheduled_at": _times(booked),
        "starts_at": _times(starts),
        "status": pa.array(np.where(missed, "no_show", "completed").tolist()),
        "outcome_known_at": _times(starts + MICROSECONDS_AN_HOUR),
        ORIGIN.column: pa.array([f"origin {i}" for i in origin]),
    }
    schema = arrow_schema("sessions", (ORIGIN,))
    sessions = pa.table([columns.get(f.name, pa.nulls(n, f.type)) for f in schema], schema=schema)
    rest = dataset({"tutors": [{"tutor_id": f"t{i}"} for i in range(TUTORS)]}, (ORIGIN,))
    return Dataset({**rest.tables, "sessions": sessions}, rest.attributes)


def _waves(rng: np.random.Generator, sd: float) -> Values:
    """Autoregressive effects (days, origins) with standard deviation `sd`."""
    effects = rng.normal(0, sd, (DAYS, ORIGINS))
    for day in range(1, DAYS):
        effects[day] = 0.9 * effects[day - 1] + np.sqrt(1 - 0.9**2) * effects[day]
    return np.asarray(effects)


def _times(moments: np.ndarray) -> pa.Array:
    return pa.array(moments, pa.int64()).cast(TIME)
