from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from domain.vocabulary import Task
from gateways.settings import Compute, Settings
from jobs.compute_engines import Dask, open_engine
from models.learners.boosting import Shape
from models.learners.distributed import predict, train_on_workers
from models.train.fitting import DEFAULT_PARAMS

PARTS, ROWS = 3, 400


def _part(number: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(number)
    matrix = rng.normal(size=(ROWS, 2)).astype(np.float32)
    return matrix, (rng.random(ROWS) < 1 / (1 + np.exp(-2 * matrix[:, 0]))).astype(float)


def test_probabilities_from_the_bytes_are_those_of_the_booster() -> None:
    matrix, labels = _part(0)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 2}, xgb.DMatrix(matrix, labels), 5)
    np.testing.assert_allclose(
        predict(bytes(booster.save_raw("ubj")), matrix), booster.predict(xgb.DMatrix(matrix)), rtol=1e-6
    )


@pytest.mark.slow
def test_trees_grown_from_all_parts_find_the_planted_column(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    settings = {**DEFAULT_PARAMS[Task.NO_SHOW], "seed": 1, "rounds": 20}
    with open_engine(Settings(data_dir=tmp_path, engine=Compute.DASK, workers=2)) as engine:
        assert isinstance(engine, Dask)
        booster = train_on_workers(engine.client, _part, PARTS, settings, Shape((1, 0)))
    scores = predict(bytes(booster.save_raw("ubj")), np.array([[-2, 0], [2, 0]], np.float32))
    assert scores[0] < 0.4 < 0.6 < scores[1]
