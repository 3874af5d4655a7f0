"""Bookings whose cancellations become known months before their arrivals, asked at booking."""

import numpy as np
import pyarrow as pa

from features.base.dataset import TIME, Dataset
from features.history.history import History
from models.learners.calibration import expit
from tests.lib import histories as h
from tests.lib.planted_market import BEGIN, DAY, table_of

DAYS, AGENTS = 700, 60


def bookings(n: int = 12_000, seed: int = 0) -> History:
    """A third of the bookings is cancelled, at any time before the arrival; a session starts when it is booked.

    Bookings whose outcome is unknown on the last day are still booked.
    """
    rng = np.random.default_rng(seed)
    agent, booked = rng.integers(0, AGENTS, n), rng.uniform(0, DAYS, n)
    lead = np.minimum(rng.lognormal(4, 0.8, n), 200)
    cancelled = rng.random(n) < expit(rng.normal(-0.8, 0.8, AGENTS)[agent])
    known = booked + np.where(cancelled, rng.uniform(0.01, 0.6, n), 1) * lead
    open_still = known > DAYS
    status = np.where(open_still, "booked", np.where(cancelled, "no_show", "completed"))
    sessions = {
        "session_id": [f"x{i}" for i in range(n)],
        "tutor_id": [f"t{code}" for code in agent],
        "booked_at": _moments(booked),
        "starts_at": _moments(booked),
        "status": status.tolist(),
        "outcome_known_at": pa.array((BEGIN + known * DAY).astype(np.int64), TIME, mask=open_still),
    }
    tutors = {"tutor_id": [f"t{i}" for i in range(AGENTS)]}
    tables = {"tutors": table_of("tutors", tutors), "sessions": table_of("sessions", sessions)}
    return History(Dataset({**h.dataset({}).tables, **tables}))


def _moments(days: np.ndarray) -> pa.Array:
    return pa.array((BEGIN + days * DAY).astype(np.int64), TIME)
