"""The API over real HTTP and a real PostgreSQL."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
import xgboost as xgb
from sqlalchemy import text

from domain.disclosure import WITHHELD
from domain.interventions import Arm, ContactPlan, PlannedContact, PlannedSession
from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind
from models.artifact.model import Model, seal
from serving.resources import Resources
from serving.state.champions import Champions
from store.contacts.records import save_plan
from store.db.engine import Engine, make_engine
from store.facts.load import load
from store.scores.records import save_scores
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, problem, register, serving, small_model


@pytest.fixture(scope="session")
def model() -> Model:
    return small_model()


def _score(kind: ScoreKind, value: float, subject: SubjectKind = SubjectKind.TUTOR, subject_id: str = "ada") -> Score:
    return Score(
        subject_kind=subject,
        subject_id=subject_id,
        kind=kind,
        value=value,
        low=value / 2,
        high=value,
        reasons=(Reason(theme="no-shows", text="4 no-shows in the last 30 days", effect=1.2),),
        action="Call today.",
        model_version="7",
        as_of=NOW,
    )


class _Clock:
    """A clock in seconds, set by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def api(engine: Engine, clock: _Clock) -> Iterator[httpx.Client]:
    """A client with the key, connected to the app on a real HTTP server."""
    load(engine, marketplace())
    resources = Resources(engine, Champions(engine, clock), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def test_scores_are_the_latest_with_band_reasons_and_the_next_session(api: httpx.Client, engine: Engine) -> None:
    save_scores(engine, [_score(ScoreKind.HELP, 0.1).model_copy(update={"as_of": NOW - timedelta(days=1)})])
    save_scores(engine, [_score(ScoreKind.HELP, 0.734), _score(ScoreKind.CHURN_30D, 0.05)])
    save_scores(engine, [_score(ScoreKind.NO_SHOW, 0.3, SubjectKind.SESSION, "next")])
    body = api.get("/api/tutors/ada/scores").json()
    scores = {score["kind"]: score for score in body["scores"] if score["value"] is not None}
    assert body["status"] == "scored"
    assert set(scores) == {"help", "churn_30d", "no_show"}
    assert (scores["help"]["value"], scores["help"]["points"], scores["help"]["band"]) == (0.734, 73, "act")
    assert scores["help"]["reasons"][0]["text"] == "4 no-shows in the last 30 days"
    assert (scores["help"]["action"], scores["help"]["model_version"]) == ("Call today.", "7")
    assert datetime.fromisoformat(scores["help"]["as_of"]) == NOW
    assert scores["no_show"]["subject_id"] == body["next_session"]["session_id"] == "next"


def test_an_unknown_tutor_is_a_404_problem(api: httpx.Client) -> None:
    assert "'nobody'" in problem(api.get("/api/tutors/nobody/scores"), 404, "unknown_subject")["detail"]


def test_without_a_model_scores_say_so_and_predictions_are_a_503_problem(api: httpx.Client) -> None:
    answer = api.get("/api/tutors/ada/scores")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["message"]) == ("no_model", "No model has been trained yet, so no tutor has a score.")
    assert [score["value"] for score in body["scores"]] == [None] * len(ScoreKind)
    problem(api.post("/api/predict/no_show", json={"session_id": "next"}), 503, "no_model")
    assert api.get("/api/ready").json() == {"status": "no_model", "models": {"no_show": None, "churn": None}}


def test_a_tutor_nobody_scored_is_told_apart_from_a_missing_model(
    api: httpx.Client, engine: Engine, model: Model
) -> None:
    register(engine, model)
    assert api.get("/api/tutors/ben/scores").json()["status"] == "not_scored"


def test_a_described_session_gets_the_prediction_of_the_same_stored_one(
    api: httpx.Client, engine: Engine, model: Model
) -> None:
    register(engine, model)
    stored = api.post("/api/predict/no_show", json={"session_id": "next", "explain": True}).json()
    starts_at = NOW + timedelta(days=1)
    described = {
        "tutor_id": "ada",
        "student_id": "s1",
        "starts_at": starts_at.isoformat(),
        "booked_at": (starts_at - timedelta(days=6)).isoformat(),
        "attributes": {"price": 30},
        "explain": True,
    }
    same = api.post("/api/predict/no_show", json=described).json()
    assert same["score"] | {"subject_id": "next"} == stored["score"]
    assert (stored["session_id"], same["session_id"]) == ("next", None)
    assert stored["score"]["low"] < stored["score"]["value"] < stored["score"]["high"]
    assert stored["score"]["value"] > 0.5
    assert stored["score"]["reasons"]
    assert stored["score"]["action"]
    assert datetime.fromisoformat(stored["score"]["as_of"]) == NOW


def test_of_who_is_not_on_the_contact_list_no_prediction_tells_why(
    api: httpx.Client, engine: Engine, model: Model
) -> None:
    register(engine, model)
    tomorrow = NOW + timedelta(days=1)
    held_out = PlannedContact("ada", Arm.HOLDOUT, "Call", 1, None, (PlannedSession("next", tomorrow, 0.4),))
    save_plan(engine, ContactPlan(tomorrow.date(), 1, 0.5, 0, (held_out,)), NOW)
    score = api.post("/api/predict/no_show", json={"session_id": "next", "explain": True}).json()["score"]
    assert (score["reasons"], score["what_if"], score["action"]) == ([], None, WITHHELD)
    assert score["value"] > 0.5


def test_an_explained_prediction_says_what_would_lower_it_most(api: httpx.Client, engine: Engine, model: Model) -> None:
    silence = np.tile([[0.0], [np.nan]], (50, 1)).astype(np.float32)  # Ada has sent no message
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(silence, np.isnan(silence)), 3)
    sidecar = model.sidecar.model_copy(update={"features": ("silence_hours",), "typical": (1.0,)})
    register(engine, seal(booster, **sidecar.model_dump(exclude={"model_sha256"})))
    request = {"session_id": "next", "explain": True}
    score = api.post("/api/predict/no_show", json=request).json()["score"]
    expected = score["what_if"]
    assert expected["change"] == "the tutor writes a message today"
    assert expected["value"] == pytest.approx(score["value"] + expected["difference"])
    assert expected["difference"] < -0.3
    assert api.post("/api/predict/no_show", json=request | {"explain": False}).json()["score"]["what_if"] is None


def test_what_is_no_longer_to_come_is_not_predicted(api: httpx.Client, engine: Engine, model: Model) -> None:
    register(engine, model)
    problem(api.post("/api/predict/no_show", json={"session_id": "past-1"}), 409, "not_upcoming")


@pytest.mark.parametrize(
    "body", [{"session_id": "none"}, {"tutor_id": "none"}, {"tutor_id": "ada", "student_id": "none"}]
)
def test_ids_nobody_has_are_404_problems(api: httpx.Client, engine: Engine, model: Model, body: dict[str, str]) -> None:
    register(engine, model)
    when = {} if "session_id" in body else {"starts_at": "2026-03-05T10:00:00Z"}
    assert "'none'" in problem(api.post("/api/predict/no_show", json=body | when), 404, "unknown_subject")["detail"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"tutor": "ada"}, {"tutor_id", "starts_at", "tutor"}),
        ({"session_id": 3}, {"session_id"}),
        ({"session_id": "next", "tutor_id": "ada"}, {"tutor_id"}),
        ({"tutor_id": "ada", "starts_at": "2026-03-05T10:00:00"}, {"starts_at"}),  # no zone
        ({"tutor_id": "ada", "starts_at": "2026-03-01T10:00:00Z"}, {"starts_at"}),  # past
        ({"tutor_id": "ada", "starts_at": "2026-03-05T10:00:00Z", "booked_at": "2026-03-04T10:00:00Z"}, {"booked_at"}),
        (
            {"tutor_id": "ada", "starts_at": "2026-03-05T10:00:00Z", "attributes": {"price": "much", "colour": "red"}},
            {"attributes.price", "attributes.colour"},
        ),
        ([], {"body"}),
    ],
)
def test_a_malformed_body_is_a_422_problem_that_names_each_field(
    api: httpx.Client, engine: Engine, model: Model, body: Any, fields: set[str]
) -> None:
    register(engine, model)
    found = problem(api.post("/api/predict/no_show", json=body), 422, "invalid_request")
    assert {error["field"] for error in found["errors"]} == fields
    assert all(field in found["detail"] for field in fields)


@pytest.mark.parametrize(
    ("path", "named"),
    [("no_show", "`session_id`, or `tutor_id` and `starts_at`, or `features`"), ("churn", "`tutor_id` or `features`")],
)
@pytest.mark.parametrize("body", [{}, {"explain": True}, [1]])
def test_a_question_about_nobody_is_told_what_it_may_name(api: httpx.Client, path: str, named: str, body: Any) -> None:
    found = problem(api.post(f"/api/predict/{path}", json=body), 422, "invalid_request")
    assert found["errors"] == [{"field": "body", "detail": f"must be an object with {named}"}]


def test_an_error_nobody_foresaw_is_a_500_problem_without_its_words(
    api: httpx.Client, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE contact_plans RENAME TO gone"))
    found = problem(api.get("/api/tutors/ada/scores"), 500, "internal_error")
    assert "contact_plans" not in json.dumps(found)
    assert found["request_id"] in caplog.text


def test_a_database_that_is_down_is_a_503_and_one_log_line_and_the_service_recovers(
    api: httpx.Client, engine: Engine, server_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with _down(engine, server_url):
        caplog.clear()
        answer = api.get("/api/tutors/ada/scores")
        problem(answer, 503, "database_unavailable")
        assert answer.headers["retry-after"]
        (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert "does not answer" in line.getMessage()
        assert (
            "GET /api/tutors/{tutor_id}/scores" in line.getMessage()
        )  # the route's pattern, because a path contains ids
        assert "\n" not in line.getMessage()
        assert line.exc_info is None
        problem(api.get("/api/ready"), 503, "database_unavailable")
        assert api.get("/api/health").status_code == 200
    assert api.get("/api/tutors/ada/scores").status_code == 200
    assert api.get("/api/ready").status_code == 200


@contextmanager
def _down(engine: Engine, server_url: str) -> Iterator[None]:
    """Terminate all connections to the database of an engine and refuse new ones."""
    name = engine.url.database
    with closing(make_engine(server_url).connect()) as connection:
        admin = connection.execution_options(isolation_level="AUTOCOMMIT")
        admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        admin.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
        )
        yield
        admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))


def test_a_new_champion_serves_after_half_a_minute_and_not_before(
    api: httpx.Client, engine: Engine, model: Model, clock: _Clock
) -> None:
    def version() -> str:
        found: str = api.post("/api/predict/no_show", json={"session_id": "next"}).json()["score"]["model_version"]
        return found

    register(engine, model, "7")
    assert version() == "7"
    register(engine, model, "8")
    clock.seconds = 29
    assert version() == "7"
    clock.seconds = 31
    assert version() == "8"


def test_a_model_whose_bytes_were_changed_is_refused(api: httpx.Client, engine: Engine, model: Model) -> None:
    register(engine, model)
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE model_artifacts DISABLE TRIGGER USER")
        )  # bypasses the table's append-only trigger
        connection.execute(text("UPDATE model_artifacts SET model = model || '\\x00'::bytea"))
    problem(api.post("/api/predict/no_show", json={"session_id": "next"}), 503, "model_mismatch")
