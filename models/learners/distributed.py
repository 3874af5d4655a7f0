"""Trees trained on several Dask workers, for data larger than the memory of one machine.

Uses XGBoost's Dask interface; workers exchange histograms, never rows (Chen and Guestrin 2016, KDD, section 4).
The trees have no linear part, unlike those of `models.learners.boosting`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost as xgb

from features.base.array_types import Matrix, Values
from models.learners.boosting import Params, Shape, plain

Labelled = tuple[Matrix, Values]
LoadPart = Callable[[int], Labelled]
"""Reads the matrix (rows, columns) and 0/1 labels (rows,) of a part, on the worker that holds it."""


def train_on_workers(client: Any, load: LoadPart, n_parts: int, settings: Params, shape: Shape) -> xgb.Booster:
    """Train trees on all parts. `client` is a Dask client; `load` must be picklable. Rows stay on the workers."""
    from dask import array, delayed  # optional dependencies
    from xgboost import dask as xgb_dask

    parts = [delayed(load, nout=2, pure=False)(i) for i in range(n_parts)]
    n_columns = len(shape.signs)
    matrix = array.concatenate(
        [array.from_delayed(rows, (np.nan, n_columns), np.float32) for rows, _ in parts], allow_unknown_chunksizes=True
    )
    labels = array.concatenate(
        [array.from_delayed(label, (np.nan,), np.float64) for _, label in parts], allow_unknown_chunksizes=True
    )
    # Persisted: otherwise the matrix and the labels would each compute every part.
    matrix, labels = client.persist([matrix, labels])
    data = xgb_dask.DaskQuantileDMatrix(client, matrix, labels)
    trained = xgb_dask.train(client, plain(settings, shape), data, num_boost_round=int(settings["rounds"]))
    booster: xgb.Booster = trained["booster"]
    return booster


def predict(ubj: bytes, matrix: Matrix) -> Values:
    """Returns the probabilities (rows,) of a matrix from the bytes of trees without a linear part."""
    booster = xgb.Booster()
    booster.load_model(bytearray(ubj))
    return np.asarray(booster.inplace_predict(matrix, validate_features=False), dtype=np.float64)
