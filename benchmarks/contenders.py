"""Other ways to serve the same trees, as plain as in their own documentation.

Each reads the trees from the file that `TREES` names and the columns' names from `COLUMNS`; a request has all columns.
"""

import json
import os
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import xgboost as xgb
from fastapi import FastAPI
from numpy.typing import NDArray
from pydantic import BaseModel, create_model


def trees() -> xgb.Booster:
    booster = xgb.Booster()
    booster.load_model(os.environ["TREES"])
    booster.set_param({"nthread": 1})
    return booster


def columns() -> list[str]:
    names: list[str] = json.loads(Path(os.environ["COLUMNS"]).read_text())
    return names


def bare() -> FastAPI:
    """FastAPI with a body of one optional number per column, and XGBoost's fastest call."""
    app, booster, names = FastAPI(), trees(), columns()
    fields: dict[str, Any] = dict.fromkeys(names, (float | None, None))
    body: Any = create_model("Features", **fields)

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/predict")
    async def predict(features: body) -> dict[str, float]:
        given: BaseModel = features
        row = np.array([list(given.model_dump().values())], dtype=np.float32)
        return {"value": float(booster.inplace_predict(row, validate_features=False)[0])}

    return app


@bentoml.service(name="json", workers=1)
class Json:
    """BentoML's own endpoint of a JSON object."""

    def __init__(self) -> None:
        self.booster, self.names = trees(), columns()

    @bentoml.api
    def predict(self, features: dict[str, float | None]) -> dict[str, float]:
        """One row, as the names of the columns."""
        row = np.array([[features.get(name) for name in self.names]], dtype=np.float32)
        return {"value": float(self.booster.inplace_predict(row, validate_features=False)[0])}


@bentoml.service(name="batched", workers=1)
class Batched:
    """BentoML's adaptive batching, over arrays of rows."""

    def __init__(self) -> None:
        self.booster = trees()

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=200)
    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of several requests at once, (rows, columns)."""
        found: NDArray[np.float32] = self.booster.inplace_predict(
            np.asarray(rows, dtype=np.float32), validate_features=False
        )
        return found
