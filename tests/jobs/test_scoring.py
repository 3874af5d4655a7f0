"""Scoring of tutors: a tutor without bookings does not stop the sweep, nor a challenger the champion."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from domain.promotion import Action
from domain.vocabulary import ScoreKind, SubjectKind, Task
from features.history.history import History
from flows.score import load_challengers, score
from flows.standalone import run
from gateways.settings import load_settings
from jobs.runtime import Runtime
from jobs.scoring import open_stored, past_scores, readable_scores, shadow_scores
from models.artifact.champion import Champion
from models.artifact.model import AttributeSpec
from store.facts.load import load
from store.ledger.models import champion, record_model
from store.scores.changes import ends_of_changes
from store.scores.records import score_history
from store.scores.tutor_scores import tutor_now
from tests.lib.api_parts import NOW, PRICE, marketplace, register, small_model


def test_a_challenger_that_can_no_longer_score_is_told_and_stops_nobody(
    engine: Engine, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    model = small_model()
    broken = model.sidecar.model_dump(mode="json") | {"of_another_version": 1}
    record_model(
        engine, "no_show", "no_show/2", model.ubj, broken, actor="test", reason="", now=NOW, action=Action.CHALLENGER
    )
    runtime = Runtime(load_settings({"TQS_DATA_DIR": str(tmp_path)}), engine, "")
    assert load_challengers.fn(runtime) == dict.fromkeys(Task)
    assert "the no_show challenger does not score: no_show/2 was made by another version" in capsys.readouterr().out


def test_a_challenger_that_reads_a_column_that_is_gone_is_told_and_the_other_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = AttributeSpec(kind="sessions", name="gone", type=PRICE.type)
    model = small_model()
    lost = replace(model, sidecar=model.sidecar.model_copy(update={"attributes": (spec,)}))
    history = History(marketplace())
    assert shadow_scores(history, {Task.NO_SHOW: Champion(lost, "no_show/2"), Task.CHURN: None}, NOW) == []
    assert "no_show/2 does not score: the no_show model reads sessions.gone" in capsys.readouterr().out
    found = shadow_scores(history, {Task.NO_SHOW: Champion(model, "no_show/3"), Task.CHURN: None}, NOW)
    assert {score.model_version for score in found} == {"no_show/3"}


def test_a_tutor_whose_stored_zone_cannot_be_read_is_named_and_the_others_are_scored(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load(engine, marketplace())
    register(engine, small_model())
    with engine.begin() as connection:
        connection.execute(text("UPDATE tutors SET timezone = 'Mars/Olympus_Mons' WHERE tutor_id = 'ben'"))
    for name, value in {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    assert run(score, as_of=NOW.isoformat()) > 0
    with engine.begin() as connection:
        scored = connection.execute(text("SELECT DISTINCT subject_id FROM scores WHERE subject_kind = 'tutor'"))
        assert "ada" in (names := set(scored.scalars()))
        assert "ben" not in names
    assert "ben" in caplog.text
    assert "Mars" in caplog.text or "time zone" in caplog.text


def test_a_champion_that_reads_a_column_that_is_gone_is_logged_and_the_other_scores(
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = AttributeSpec(kind="sessions", name="gone", type=PRICE.type)
    model, history = small_model(), History(marketplace())
    lost = replace(model, sidecar=model.sidecar.model_copy(update={"task": Task.CHURN, "attributes": (spec,)}))
    champions = {Task.NO_SHOW: Champion(model, "no_show/3"), Task.CHURN: Champion(lost, "churn/2")}
    assert {score.model_version for score in readable_scores(history, champions, NOW)} == {"no_show/3"}
    assert "the churn champion does not score: the churn model reads sessions.gone" in caplog.text


def test_past_weeks_are_scored_once_as_known_then_and_give_trends_without_being_news(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(engine, marketplace())
    register(engine, small_model())
    for name, value in {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    run(score, as_of=NOW.isoformat())
    _, changes = ends_of_changes(engine)

    assert run(score, as_of=NOW.isoformat(), weeks=2) > 0
    week_ago = NOW - timedelta(days=7)
    expected = past_scores(
        marketplace(), {Task.NO_SHOW: open_stored(champion(engine, Task.NO_SHOW)), Task.CHURN: None}, week_ago
    )
    history = {s.as_of: s for s in score_history(engine, SubjectKind.TUTOR, "ada", ScoreKind.SESSIONS_AT_RISK)}
    assert list(history) == [NOW - timedelta(days=14), week_ago, NOW]
    assert history[week_ago].value == next(
        s.value for s in expected if (s.subject_id, s.kind) == ("ada", ScoreKind.SESSIONS_AT_RISK)
    )
    now = tutor_now(engine, "ada", NOW)
    assert now is not None
    assert now.scores[ScoreKind.SESSIONS_AT_RISK].trend == pytest.approx(history[NOW].value - history[week_ago].value)
    assert ends_of_changes(engine)[1] == changes
