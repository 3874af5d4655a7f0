"""Trees grown on many workers at once, each holding some parts of the data: for what one memory cannot hold.

XGBoost's own interface to Dask; its workers exchange histograms, never rows (Chen and Guestrin 2016, KDD, section 4).
The trees stand alone here, without the straight line of `models.learners.boosting`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost as xgb

from features.base.array_types import Matrix, Values
from models.learners.boosting import Params, Shape, plain

Labelled = tuple[Matrix, Values]
LoadPart = Callable[[int], Labelled]
"""The matrix (rows, columns) and 0/1 labels (rows,) of a part, read by the worker that holds it."""


def train_on_workers(client: Any, load: LoadPart, n_parts: int, settings: Params, shape: Shape) -> xgb.Booster:
    """Trees of the settings' rounds on all parts; `client` is Dask's, `load` must pickle. Rows stay on the workers."""
    from dask import array, delayed  # here, because they are an extra
    from xgboost import dask as xgb_dask

    parts = [delayed(load, nout=2, pure=False)(i) for i in range(n_parts)]
    n_columns = len(shape.signs)
    matrix = array.concatenate(
        [array.from_delayed(rows, (np.nan, n_columns), np.float32) for rows, _ in parts], allow_unknown_chunksizes=True
    )
    labels = array.concatenate(
        [array.from_delayed(label, (np.nan,), np.float64) for _, label in parts], allow_unknown_chunksizes=True
    )
    # Kept where they are made: otherwise the matrix and the labels would each compute every part.
    matrix, labels = client.persist([matrix, labels])
    data = xgb_dask.DaskQuantileDMatrix(client, matrix, labels)
    found = xgb_dask.train(client, plain(settings, shape), data, num_boost_round=int(settings["rounds"]))
    booster: xgb.Booster = found["booster"]
    return booster


def predict(ubj: bytes, matrix: Matrix) -> Values:
    """Probabilities (rows,) of a matrix by trees alone, given as their bytes."""
    booster = xgb.Booster()
    booster.load_model(bytearray(ubj))
    return np.asarray(booster.inplace_predict(matrix, validate_features=False), dtype=np.float64)
