"""Models stored by an earlier version, after priors and columns were added or removed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from domain.errors import ModelMismatch
from domain.scores import Score
from features.history.history import History
from models.artifact.champion import open_model
from models.score.model_rows import booked_rows
from models.score.scoring import score_tutors_no_show
from tests.lib.api_parts import NOW, marketplace

STORED: dict[str, Any] = json.loads((Path(__file__).parent / "stored_sidecar.json").read_text())
"""The sidecar of a no-show model as it was stored on 2026-12-01. It is never regenerated."""


def scores(sidecar: dict[str, Any]) -> list[Score]:
    """Scores by a model with this sidecar and trees on its columns."""
    n = len(sidecar["features"])
    rows = np.random.default_rng(1).random((400, n), dtype=np.float32)
    trees = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(rows, rows[:, 3] > 0.4), num_boost_round=4)
    ubj = bytes(trees.save_raw("ubj"))
    sealed = sidecar | {"model_sha256": hashlib.sha256(ubj).hexdigest()}
    champion = open_model("no_show/1", ubj, sealed)
    return score_tutors_no_show(booked_rows(champion.model, champion.version, History(marketplace()), NOW))


def without(name: str, sidecar: dict[str, Any] = STORED) -> dict[str, Any]:
    return sidecar | {"priors": {key: prior for key, prior in sidecar["priors"].items() if key != name}}


def test_a_stored_model_serves_and_explains() -> None:
    (ada,) = scores(STORED)
    assert 0 < ada.value < 1
    assert ada.reasons


def test_a_stored_model_serves_the_same_after_a_prior_is_added() -> None:
    # Only the churn model reads led_nowhere: this is a sidecar from before it was added.
    assert scores(without("led_nowhere")) == scores(STORED)


def test_a_stored_model_serves_the_same_after_a_prior_is_removed() -> None:
    priors = STORED["priors"] | {"cups_of_tea": {"rate": 0.5, "strength": 3.0}}
    assert scores(STORED | {"priors": priors}) == scores(STORED)


def test_a_stored_model_serves_after_a_column_is_added() -> None:
    before = STORED | {"features": STORED["features"][:-1], "typical": STORED["typical"][:-1]}
    assert scores(before)


def test_a_stored_model_is_refused_after_one_of_its_columns_is_removed() -> None:
    with pytest.raises(ModelMismatch, match="cups_of_tea"):
        scores(STORED | {"features": ["cups_of_tea", *STORED["features"][1:]]})
