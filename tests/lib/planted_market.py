"""A small marketplace with a planted signal, and handwritten churn histories, for tests of training."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from domain.vocabulary import Task
from features.base.dataset import TIME, Dataset, arrow_schema
from features.history.history import History
from models.examples.rows import (
    Rows,
    churn_rows,
    no_show_rows,
)
from models.learners.calibration import expit
from models.train.fitting import Request
from models.train.training import default_cut
from tests.lib import histories as h

DAY = 86_400_000_000


BEGIN = int(h.BEGIN.timestamp()) * 1_000_000


DAYS, TUTORS = 200, 80


HORIZON = timedelta(days=30)


def planted(seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Tutors with individual no-show rates, higher in the evening; some leave. Returns the data and the true risks."""
    rng = np.random.default_rng(seed)
    n = TUTORS * DAYS
    tutor = rng.integers(0, TUTORS, n)
    reliability = rng.normal(-2.2, 1.2, TUTORS)
    left = np.where(rng.random(TUTORS) < 0.8, rng.integers(30, DAYS, TUTORS), 10 * DAYS)
    starts = BEGIN + rng.integers(0, DAYS, n) * DAY + rng.integers(8, 22, n) * (DAY // 24)
    evening = (starts % DAY) // (DAY // 24) >= 18
    truth = expit(reliability[tutor] + 1.2 * evening)
    keep = starts < BEGIN + left[tutor] * DAY
    tutor, starts, truth = tutor[keep], starts[keep], truth[keep]
    status = np.where(rng.random(tutor.size) < truth, "no_show", "completed")
    sessions = {
        "session_id": [f"x{i}" for i in range(tutor.size)],
        "tutor_id": [f"t{code}" for code in tutor],
        "booked_at": pa.array(starts - rng.integers(2, 9, tutor.size) * DAY, TIME),
        "starts_at": pa.array(starts, TIME),
        "status": status.tolist(),
        "outcome_known_at": pa.array(starts + DAY // 24, TIME),
    }
    departed = [None if day > DAYS else int(BEGIN + day * DAY) for day in left]
    tutors = {"tutor_id": [f"t{i}" for i in range(TUTORS)], "departed_at": pa.array(departed, TIME)}
    return Dataset(
        {**h.dataset({}).tables, "tutors": table_of("tutors", tutors), "sessions": table_of("sessions", sessions)}
    ), truth


def table_of(kind: str, columns: dict[str, object]) -> pa.Table:
    """A table of a kind from some of its columns, the others empty."""
    schema = arrow_schema(kind)
    n = len(columns[schema.names[0]])  # type: ignore[arg-type]
    return pa.table({f.name: pa.array(columns.get(f.name, [None] * n), f.type) for f in schema}, schema)


def request_of(market: tuple[History, np.ndarray], seed: int = 1) -> Request:
    history, truth = market
    rows = no_show_rows(history)
    return Request(
        Task.NO_SHOW, history, rows, default_cut(rows), seed, truth=truth[rows.subject], repeats=20, fingerprint="made"
    )


def made(
    days: list[float], departed: float | None = None, status: str = "completed", departures_given: bool = True
) -> History:
    """History of a tutor with sessions on these days after BEGIN, each known an hour later, and of an active other."""

    def at(day: float) -> datetime:
        return h.BEGIN + timedelta(days=day)

    given = [("ada", day) for day in days] + [("ben", day) for day in range(120)]
    sessions = [
        {
            "session_id": f"{who}{day}",
            "tutor_id": who,
            "booked_at": at(day - 1),
            "starts_at": at(day),
            "status": status if who == "ada" else "completed",
            "outcome_known_at": at(day) + timedelta(hours=1),
        }
        for who, day in given
    ]
    tutors = [{"tutor_id": "ada", "departed_at": None if departed is None else at(departed)}, {"tutor_id": "ben"}]
    return History(h.dataset({"tutors": tutors, "sessions": sessions}, departures_given=departures_given))


def labels_of(rows: Rows, tutor: int = 0) -> dict[int, int]:
    """Day after BEGIN → label, for one tutor (0 is ada, 1 is ben)."""
    mine = rows.subject == tutor
    days = (rows.queries.as_of[mine] - BEGIN) // DAY
    return dict(zip(days.tolist(), rows.label[mine].astype(int).tolist(), strict=True))


def churn_of(history: History) -> Rows:
    return churn_rows(history, HORIZON, timedelta(days=10), origin=BEGIN + 40 * DAY)
