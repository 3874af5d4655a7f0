"""Forecasts for newcomers planted in a simulated market: the order of their records, in a sensible range."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from domain.vocabulary import Task
from features.as_of.queries import microseconds_of, of_sessions
from features.base.dataset import Dataset
from features.history.history import History
from models.artifact.matrix import matrix_of
from models.artifact.model import Model
from models.examples.rows import no_show_rows
from models.train.fitting import Request, fit
from tests.lib.markets import FEW, market

MISSED = {"reliable": 0, "one missed": 1, "three missed": 3, "six missed": 6}
"""Sessions missed of the 15 of the last five weeks, by newcomer; a further one has no session yet."""

NEW = "new"


def planted() -> tuple[History, datetime]:
    """A market with newcomers, each with a session booked for the day after its end, and that end."""
    dataset, end = market(FEW).dataset, FEW.end
    sessions = [row for name, missed in MISSED.items() for row in _past(name, missed, end)]
    sessions += [_session(f"{name} next", name, end + timedelta(days=1), end, None) for name in (*MISSED, NEW)]
    tutors = [{"tutor_id": name, "timezone": "UTC", "started_at": end - timedelta(days=36)} for name in (*MISSED, NEW)]
    tables = {**dataset.tables, "sessions": _with(dataset, "sessions", sessions)}
    return History(Dataset({**tables, "tutors": _with(dataset, "tutors", tutors)}, dataset.attributes)), end


def _past(name: str, missed: int, end: datetime) -> list[dict[str, Any]]:
    bad = set(np.linspace(0, 14, missed).round().tolist())
    starts = [end - timedelta(days=35 - 2.3 * n) for n in range(15)]
    return [_session(f"{name} {n}", name, start, start - timedelta(days=3), n in bad) for n, start in enumerate(starts)]


def _session(name: str, tutor: str, starts_at: datetime, booked_at: datetime, missed: bool | None) -> dict[str, Any]:
    open_still = missed is None
    return {
        "session_id": name,
        "tutor_id": tutor,
        "booked_at": booked_at - timedelta(hours=1),
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "status": "booked" if open_still else "no_show" if missed else "completed",
        "outcome_known_at": None if open_still else starts_at + timedelta(hours=1),
    }


def _with(dataset: Dataset, kind: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.concat_tables([dataset.tables[kind], pa.Table.from_pylist(rows, dataset.tables[kind].schema)])


@pytest.fixture(scope="module")
def fitted() -> tuple[Model, dict[str, float], np.ndarray]:
    """A no-show model, the forecasts by newcomer, and the rows of their sessions."""
    history, end = planted()
    cut = microseconds_of(end)
    request = Request(Task.NO_SHOW, history, no_show_rows(history), cut, seed=0, tutor_risk=False)
    model = fit(request, cut).model
    ids = pa.array([f"{name} next" for name in (*MISSED, NEW)])
    rows = pc.index_in(ids, history.dataset.tables["sessions"]["session_id"].combine_chunks()).to_numpy()
    matrix = matrix_of(model.sidecar, history, of_sessions(history.sessions, rows.astype(np.int64), cut))
    risks = model.probabilities(matrix).tolist()
    return model, dict(zip((*MISSED, NEW), risks, strict=True)), matrix


def test_newcomers_are_ranked_by_their_record(fitted: tuple[Model, dict[str, float], np.ndarray]) -> None:
    risks = fitted[1]
    assert risks["reliable"] < risks["one missed"] < risks["three missed"] < risks["six missed"]
    assert risks["reliable"] < risks[NEW] < risks["three missed"]


def test_a_newcomer_who_missed_6_of_15_is_far_above_the_usual_and_one_without_a_session_near_it(
    fitted: tuple[Model, dict[str, float], np.ndarray],
) -> None:
    model, risks, _ = fitted
    usual = model.sidecar.base_rate
    assert 5 * usual < risks["six missed"] < 0.4
    assert 0.1 * usual < risks["reliable"] < 2 * usual
    assert 0.5 * usual < risks[NEW] < 3 * usual


def test_contributions_of_newcomers_sum_to_their_log_odds(
    fitted: tuple[Model, dict[str, float], np.ndarray],
) -> None:
    model, _, matrix = fitted
    assert model.sidecar.frailty is not None
    log_odds = model.sidecar.calibration.log_odds(model.margins(matrix))
    np.testing.assert_allclose(model.contributions(matrix).sum(axis=1), log_odds, atol=2e-5)
