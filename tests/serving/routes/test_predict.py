"""Predictions over real HTTP: for stored subjects, for described sessions, and from the model's columns."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pytest
import xgboost as xgb

from domain.vocabulary import AttributeType, Task
from models.artifact.model import AttributeSpec, Model, seal
from serving.resources import Resources
from serving.state.champions import Champions
from store.access.audit import read_rows
from store.db.engine import Engine, make_engine
from store.facts.load import load
from store.ledger.models import record_model
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, problem, register, serving, small_model

SUBJECT = AttributeSpec(kind="sessions", name="subject", type=AttributeType.CATEGORICAL, categories=("music", "maths"))


@pytest.fixture(scope="session")
def model() -> Model:
    """No-show model whose risk grows with the rate and is higher for maths than for music."""
    rng = np.random.default_rng(0)
    columns = np.column_stack([rng.random(400), rng.uniform(0, 48, 400), rng.integers(0, 2, 400)]).astype(np.float32)
    risk = columns[:, 0] + columns[:, 2] > 1
    sidecar = small_model().sidecar.model_dump(exclude={"model_sha256"})
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(columns, risk), num_boost_round=10)
    return seal(booster, **sidecar | {"attributes": (SUBJECT,), "typical": (0.1, 24.0, 0.0)})


@pytest.fixture(scope="session")
def churn_model() -> Model:
    """Churn model for a week and a month, from the days since the last session and the period."""
    rng = np.random.default_rng(0)
    columns = np.column_stack([rng.uniform(0, 40, 400), rng.integers(0, 2, 400)]).astype(np.float32)
    sidecar = small_model().sidecar.model_dump(exclude={"model_sha256"}) | {
        "task": Task.CHURN,
        "features": ("days_since_last_session",),
        "typical": (5.0,),
        "periods": (0, 7, 30),
        "horizon": 30,
    }
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(columns, columns[:, 0] > 20), num_boost_round=5)
    return seal(booster, **sidecar)


@pytest.fixture
def api(engine: Engine) -> Iterator[httpx.Client]:
    load(engine, marketplace())
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def _register_churn(engine: Engine, model: Model) -> None:
    sidecar = model.sidecar.model_dump(mode="json")
    record_model(engine, "churn", "3", model.ubj, sidecar, actor="test", reason="first", now=NOW)


def _ask(api: httpx.Client, features: Any, **more: Any) -> dict[str, Any]:
    answer = api.post("/api/predict/no_show", json={"features": features, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_columns_in_the_body_get_the_models_own_probability(api: httpx.Client, engine: Engine, model: Model) -> None:
    register(engine, model)
    found = _ask(api, {"no_show_rate": 0.9, "hours_to_start": 12, "subject": "maths"})
    row = np.array([[0.9, 12, 1]], dtype=np.float32)
    assert found["score"]["value"] == pytest.approx(model.probabilities(row)[0], abs=1e-12)
    assert found["score"]["low"] < found["score"]["value"] < found["score"]["high"]
    assert (found["session_id"], found["tutor_id"], found["starts_at"]) == (None, None, None)
    assert (found["score"]["subject_id"], found["score"]["reasons"]) == ("described", [])


def test_a_column_left_out_null_or_of_an_unseen_category_is_unknown(
    api: httpx.Client, engine: Engine, model: Model
) -> None:
    register(engine, model)
    left_out = _ask(api, {"no_show_rate": 0.9})
    assert _ask(api, {"no_show_rate": 0.9, "hours_to_start": None, "subject": "chess"}) == left_out
    assert _ask(api, {"no_show_rate": 0.9, "subject": "music"})["score"]["value"] != left_out["score"]["value"]


def test_a_column_that_only_other_versions_read_changes_nothing(
    api: httpx.Client, engine: Engine, model: Model
) -> None:
    register(engine, model)
    assert _ask(api, {"no_show_rate": 0.9, "silence_hours": 400}) == _ask(api, {"no_show_rate": 0.9})


def test_columns_are_explained_when_asked(api: httpx.Client, engine: Engine, model: Model) -> None:
    register(engine, model)
    score = _ask(api, {"no_show_rate": 0.95, "hours_to_start": 12, "subject": "maths"}, explain=True)["score"]
    assert "subject: maths" in {reason["text"] for reason in score["reasons"]}
    assert score["action"]


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ('{"features": {"no_show_rat": 0.1, "colour": 1}}', {"features.no_show_rat", "features.colour"}),
        ('{"features": {"no_show_rate": NaN}}', {"features.no_show_rate"}),
        ('{"features": {"no_show_rate": -Infinity}}', {"features.no_show_rate"}),
        ('{"features": {"no_show_rate": 1e999}}', {"features.no_show_rate"}),
        ('{"features": {"no_show_rate": 1e39}}', {"features.no_show_rate"}),
        ('{"features": {"no_show_rate": "high", "subject": 1}}', {"features.no_show_rate", "features.subject"}),
        ('{"features": {"no_show_rate": true}}', {"features.no_show_rate"}),
        ('{"features": {}}', {"features"}),
        ('{"features": [1, 2]}', {"features"}),
        ('{"features": {"no_show_rate": 0.1}, "tutor_id": "ada"}', {"tutor_id"}),
        ('{"features": {"no_show_rate": 0.1}', {"body"}),
        ('{"features": {"no_show_rate": 0.1}} \xff'.encode("latin-1"), {"body"}),
    ],
)
def test_columns_that_cannot_be_used_are_each_named(
    api: httpx.Client, engine: Engine, model: Model, content: str | bytes, fields: set[str]
) -> None:
    register(engine, model)
    answer = api.post("/api/predict/no_show", content=content, headers={"content-type": "application/json"})
    found = problem(answer, 422, "invalid_request")
    assert {error["field"] for error in found["errors"]} == fields


def test_an_unknown_column_is_answered_with_near_ones(api: httpx.Client, engine: Engine, model: Model) -> None:
    register(engine, model)
    answer = api.post("/api/predict/no_show", json={"features": {"no_show_rat": 1, "messages_14days": 3}})
    details = {error["field"]: error["detail"] for error in problem(answer, 422, "invalid_request")["errors"]}
    assert "no_show_rate" in details["features.no_show_rat"]
    assert "messages_14d" in details["features.messages_14days"]


def test_columns_ask_nothing_of_the_database_once_the_model_is_there(engine: Engine, model: Model) -> None:
    register(engine, model)
    champions = Champions(engine, lambda: 0.0)
    champions.get(Task.NO_SHOW)
    nowhere = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    resources = Resources(nowhere, champions, KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        assert 0 < _ask(client, {"no_show_rate": 0.5})["score"]["value"] < 1
        problem(client.post("/api/predict/no_show", json={"session_id": "next"}), 503, "database_unavailable")


def test_a_prediction_about_a_stored_session_leaves_an_audit_row_and_one_from_columns_none(
    api: httpx.Client, engine: Engine
) -> None:
    register(engine, small_model())
    _ask(api, {"no_show_rate": 0.9})
    assert not read_rows(engine)
    assert api.post("/api/predict/no_show", json={"session_id": "next"}).status_code == 200
    (kept,) = read_rows(engine)
    assert (kept.row.subject_id, kept.row.action) == ("ada", "POST /api/predict/no_show")


def test_a_known_tutors_churn_is_that_of_the_days_since_the_last_session(
    api: httpx.Client, engine: Engine, churn_model: Model
) -> None:
    _register_churn(engine, churn_model)
    found = api.post("/api/predict/churn", json={"tutor_id": "ada"}).json()
    assert found["tutor_id"] == "ada"
    scores = {score["kind"]: score for score in found["scores"]}
    assert set(scores) == {"churn_7d", "churn_30d"}
    assert {score["model_version"] for score in found["scores"]} == {"3"}
    # The outcome of the session three days ago (every third was missed) became known an hour after its start.
    days = (timedelta(days=3) - timedelta(hours=1)) / timedelta(days=1)
    row = np.array([[days]], dtype=np.float32)
    chances = churn_model.chances(churn_model.margins(row), 7)
    assert scores["churn_7d"]["value"] == pytest.approx(chances.value[0], abs=1e-9)
    assert scores["churn_30d"]["value"] == pytest.approx(churn_model.probabilities(row)[0], abs=1e-9)
    described = api.post("/api/predict/churn", json={"features": {"days_since_last_session": days}}).json()
    assert [s["value"] for s in described["scores"]] == pytest.approx([s["value"] for s in found["scores"]], abs=1e-9)
    assert described["tutor_id"] is None


def test_churn_is_explained_when_asked(api: httpx.Client, engine: Engine, churn_model: Model) -> None:
    _register_churn(engine, churn_model)

    def reasons(explain: bool) -> list[str]:
        body = {"features": {"days_since_last_session": 39}, "explain": explain}
        scores = api.post("/api/predict/churn", json=body).json()["scores"]
        return [reason["theme"] for score in scores for reason in score["reasons"]]

    assert reasons(True) == ["activity"]
    assert reasons(False) == []


def test_only_an_active_known_tutor_can_leave(api: httpx.Client, engine: Engine, churn_model: Model) -> None:
    problem(api.post("/api/predict/churn", json={"tutor_id": "ada"}), 503, "no_model")
    _register_churn(engine, churn_model)
    problem(api.post("/api/predict/churn", json={"tutor_id": "ben"}), 409, "not_active")
    assert (
        "'none'" in problem(api.post("/api/predict/churn", json={"tutor_id": "none"}), 404, "unknown_subject")["detail"]
    )
    found = problem(api.post("/api/predict/churn", json={"tutor": "ada"}), 422, "invalid_request")
    assert {error["field"] for error in found["errors"]} == {"tutor_id", "tutor"}
