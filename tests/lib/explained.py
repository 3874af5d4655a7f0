"""Small boosters and models to explain."""

from datetime import UTC, datetime, timedelta

import numpy as np
import xgboost as xgb

from domain.vocabulary import Task
from features.as_of.priors import Prior, Priors
from features.as_of.queries import Queries, of_sessions
from features.history.history import History
from models.artifact.model import Model, seal
from models.explain.explanation import explain
from models.explain.own_numbers import OwnNumbers
from models.learners.calibration import Calibration
from tests.lib.small_dataset import NOON, dataset, session

RNG = np.random.default_rng(5)


SLOT = ("own_slot_no_show_rate", "weekday", "hour")
ROWS = 900
"""More than one block of the compiled kernel."""


def noisy_columns(n: int) -> np.ndarray:
    columns = np.round(RNG.normal(size=(ROWS, n)), 1).astype(np.float32)
    columns[RNG.random(columns.shape) < 0.1] = np.nan
    return np.asfortranarray(columns)


def small_booster(columns: np.ndarray, depth: int, rounds: int = 12, **params: float) -> xgb.Booster:
    log_odds = np.nan_to_num(columns[:, :5]).sum(axis=1) - 1
    labels = RNG.random(len(columns)) < 1 / (1 + np.exp(-log_odds))
    settings = {"objective": "binary:logistic", "max_depth": depth, "min_child_weight": 0.1, **params}
    return xgb.train(settings, xgb.DMatrix(columns, labels), rounds)


def model_to_explain(booster: xgb.Booster, **sidecar: object) -> Model:
    prior = Prior(rate=0.1, strength=5)
    given: dict[str, object] = {
        "task": Task.NO_SHOW,
        "features": ("no_show_rate", "silence_hours", "messages_7d"),
        "attributes": (),
        "priors": Priors(**dict.fromkeys(Priors.model_fields, prior)),
        "calibration": Calibration(),
        "base_rate": 0.5,
        "known_before": NOON,
        "data_fingerprint": "f" * 64,
    }
    given |= sidecar
    given.setdefault("typical", (0.1,) * len(given["features"]))  # type: ignore[arg-type]
    return seal(booster, **given)


def themes_and_texts(
    contributions: list[float],
    values: list[float],
    numbers: OwnNumbers | None = None,
    typical: tuple[float, ...] = (0.1, 0.1, 0.1),
) -> list[tuple[str, str]]:
    """Themes and texts of the reasons for one row with these contributions."""
    matrix = np.array([values], np.float32)
    rows = np.array([[*contributions, 0.0]])
    model = model_to_explain(small_booster(noisy_columns(3), 1, 1), task=Task.CHURN, typical=typical)
    (reasons,) = explain(model, matrix, numbers, rows)
    return [(reason.theme, reason.text) for reason in reasons]


def slot_history() -> History:
    """Ann missed 2 of 3 on Thursday evenings, 0 of 4 on Tuesday mornings; tomorrow is a Thursday; Ben is new."""
    thursday = datetime(2026, 3, 5, 19, tzinfo=UTC)
    evenings = [(thursday + timedelta(weeks=n), "no_show" if n < 2 else "completed") for n in range(3)]
    mornings = [(thursday + timedelta(weeks=n, days=-2, hours=-10), "completed") for n in range(4)]
    past = [
        session(f"x{n}", "ann", booked_at=at - timedelta(days=5), starts_at=at, ends_at=None, status=status,
                outcome_known_at=at + timedelta(hours=1))
        for n, (at, status) in enumerate([*evenings, *mornings])
    ]  # fmt: skip
    booked = {"starts_at": ASKED + timedelta(hours=24), "booked_at": ASKED - timedelta(days=1), "ends_at": None}
    ahead = [session(f"next-{tutor}", tutor, status="booked", **booked) for tutor in ("ann", "ben")]
    tutors = [{"tutor_id": "ann", "timezone": "UTC"}, {"tutor_id": "ben", "timezone": "UTC"}]
    return History(dataset((), tutors=tutors, sessions=[*past, *ahead]))


ASKED = datetime(2026, 3, 25, 19, tzinfo=UTC)


def slot_queries(history: History) -> Queries:
    ids = history.dataset.tables["sessions"]["session_id"].to_pylist()
    rows = np.array([ids.index("next-ann"), ids.index("next-ben")])
    return of_sessions(history.sessions, rows, round(ASKED.timestamp() * 1e6))
