"""A small marketplace, a model of a few trees and a real HTTP server for tests of the API and the pages."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import uvicorn
import xgboost as xgb
from fastapi import FastAPI

from domain.vocabulary import AttributeType, Task
from features.as_of.priors import Prior, Priors
from features.base.dataset import Attribute, Dataset
from models.artifact.model import Model, seal
from models.learners.calibration import Calibration
from serving.app import create_app
from serving.http.connections import BoundedHttp, BoundedWebSocket
from serving.resources import Resources
from store.db.engine import Engine
from store.ledger.models import record_model
from tests.lib.histories import dataset

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "a-key-for-tests"
HEADERS = {"Authorization": f"Bearer {KEY}"}
PROBLEM = "application/problem+json"
PRICE = Attribute("sessions", "price", AttributeType.NUMERIC)


def _session(number: int, status: str, starts_at: datetime) -> dict[str, Any]:
    booked_at = starts_at - timedelta(days=6)
    known_at = None if status == "booked" else starts_at + timedelta(hours=1)
    return {
        "session_id": f"past-{number}" if status != "booked" else "next",
        "tutor_id": "ada",
        "student_id": "s1",
        "booked_at": booked_at,
        "scheduled_at": booked_at,
        "starts_at": starts_at,
        "status": status,
        "outcome_known_at": known_at,
        PRICE.column: 30.0,
    }


def marketplace() -> Dataset:
    """A marketplace: Ada with twelve past sessions, a third missed, and one tomorrow; Ben with none."""
    past = [_session(n, "no_show" if n % 3 == 0 else "completed", NOW - timedelta(days=2 * n + 1)) for n in range(12)]
    rows = {
        "tutors": [{"tutor_id": "ada", "name": "Ada", "timezone": "Asia/Tokyo"}, {"tutor_id": "ben", "name": "Ben"}],
        "students": [{"student_id": "s1"}],
        "sessions": [*past, _session(0, "booked", NOW + timedelta(days=1))],
    }
    return dataset(rows, (PRICE,))


def small_model() -> Model:
    """A model of a few trees whose risk grows with the no-show rate."""
    rates = np.linspace(0, 1, 200, dtype=np.float32)
    columns = np.column_stack([rates, np.tile([1.0, 40.0], 100)]).astype(np.float32)
    prior = Prior(rate=0.1, strength=5)
    return seal(
        xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(columns, rates > 0.2), num_boost_round=4),
        task=Task.NO_SHOW,
        features=("no_show_rate", "hours_to_start"),
        attributes=(),
        priors=Priors.all_equal(prior),
        calibration=Calibration(var_slope=0.01, var_intercept=0.01),
        base_rate=0.5,
        typical=(0.1, 24.0),
        known_before=NOW,
        data_fingerprint="f" * 64,
    )


def register(engine: Engine, model: Model, version: str = "7") -> None:
    """Register a model as the no-show champion."""
    sidecar = model.sidecar.model_dump(mode="json")
    record_model(engine, "no_show", version, model.ubj, sidecar, actor="test", reason="first", now=NOW)


class _PromptServer(uvicorn.Server):
    """uvicorn without its pauses of 0.1 s, of which hundreds of tests would each wait for two."""

    async def main_loop(self) -> None:
        """Check every 5 ms, not every 100 ms, whether to stop."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listeners and connections and let the requests finish, without the pause for other processes."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.005)
        await self.lifespan.shutdown()


@contextmanager
def serving(resources: Resources, change: Callable[[FastAPI], None] = lambda app: None) -> Iterator[str]:
    """Serve the API over real HTTP; yields its address. `change` may modify the app, for example add a faulty route."""
    app = create_app(lambda: resources)
    change(app)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", http=BoundedHttp, ws=BoundedWebSocket)
    server = _PromptServer(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:  # a failed test must not keep the process alive
        server.should_exit = True
        thread.join()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Returns the problem document of a response, after asserting its status, code and required fields."""
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    document: dict[str, Any] = response.json()
    assert (document["status"], document["code"]) == (status, code)
    assert all(document[name] for name in ("type", "title", "detail"))
    assert document["request_id"] == response.headers["x-request-id"]
    return document
