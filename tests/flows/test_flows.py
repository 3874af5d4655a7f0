"""Flows on a small marketplace with real PostgreSQL, MLflow and SMTP, and one Prefect harness."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

from domain.errors import LateFeature, NotEnoughData
from domain.promotion import Action
from domain.score_kinds import RATE_KINDS
from domain.vocabulary import ScoreKind, Task
from features.history.history import History
from flows.monitor import compare
from flows.schedules import scheduled_flows
from flows.train import request_of, train_one
from jobs.compute_engines import Threads
from jobs.part_tables import feature_table
from jobs.progress import reporting_to
from jobs.scoring import all_scores, open_stored
from models.artifact.champion import Champion
from models.train.training import Training
from models.train.training import train as fit
from monitoring.decision import DriftDecision
from simulator.mail_sink import MailSink
from simulator.settings import MarketSettings
from store.facts.load import load
from store.ledger.models import champion, record_model
from store.ledger.shadow import comparisons, pairs
from store.ledger.tuned_parameters import TunedParams, record_tuned
from tests.lib.inbox_parts import event, put
from tests.lib.markets import FEW, SMALL, market

QUICK = {"rounds": 40, "eta": 0.2}
"""Stand-in for tuned parameters: a fifth of the rounds, with larger steps."""


@pytest.fixture(scope="module")
def history() -> History:
    return History(market().dataset)


@pytest.fixture(scope="module")
def no_show(history: History) -> Training:
    return _trained(Task.NO_SHOW, history, market().truth)


def _trained(name: Task, history: History, truth: pa.Table | None) -> Training:
    """Train as the flow does, without its slowest parts: earlier origins and the final refit."""
    return fit(replace(request_of(name, history, seed=1, truth=truth), origins=0, refit=False))


def test_the_no_show_model_comes_close_to_the_ceiling(no_show: Training) -> None:
    evaluation = no_show.evaluation
    assert evaluation.ceiling is not None
    ours, best = evaluation.figures["roc_auc"].value, evaluation.ceiling["roc_auc"].value
    assert 0.85 * (best - 0.5) < ours - 0.5 < 1.05 * (best - 0.5)


def test_the_tutors_fourteen_day_risk_ranks_and_is_calibrated(no_show: Training) -> None:
    figures = no_show.evaluation.tutor_figures
    assert figures["roc_auc"].low > 0.65
    assert figures["ece"].value < 0.1


def test_without_signal_no_model_ranks() -> None:
    silent = SMALL.model_copy(update={"no_signal": True})
    found = _trained(Task.NO_SHOW, History(market(silent).dataset), truth=None)
    assert found.evaluation.figures["roc_auc"].low <= 0.5 <= found.evaluation.figures["roc_auc"].high


def test_too_short_a_history_is_said_and_not_trained_on() -> None:
    short = MarketSettings(tutors=30, days=20, sessions_per_day=30)
    with pytest.raises(NotEnoughData, match="at least 200 of each outcome are needed"):
        train_one(Task.NO_SHOW, History(market(short).dataset), seed=1, truth=None)


def test_last_week_against_the_training_window_of_a_steady_market_asks_for_no_training(
    history: History, no_show: Training
) -> None:
    snapshot = feature_table(history.dataset, SMALL.end, Threads(1))
    report = compare(snapshot, no_show.model.sidecar.known_before, SMALL.end, seed=1)
    assert report.decision is not DriftDecision.RETRAIN


def test_without_models_only_what_is_counted_is_scored(history: History) -> None:
    kinds = {score.kind for score in all_scores(history, dict.fromkeys(Task), SMALL.end)}
    assert kinds == {*RATE_KINDS.values(), ScoreKind.SESSION_QUALITY, ScoreKind.FIRST_SESSION_QUALITY}


def test_a_model_refuses_an_attribute_that_has_been_marked_late_since(history: History, no_show: Training) -> None:
    attributes = tuple(replace(a, late=True) for a in history.dataset.attributes)
    marked = History(replace(history.dataset, attributes=attributes))
    champions = {Task.NO_SHOW: Champion(no_show.model, "1"), Task.CHURN: None}
    with pytest.raises(LateFeature, match="replacement_reason, subject: written after the booking"):
        all_scores(marked, champions, SMALL.end)


def test_every_flow_is_scheduled_once() -> None:
    assert sorted(s.flow.name for s in scheduled_flows()) == [
        "build_features", "compare", "contacts", "drain", "monitor", "retention", "score", "train",
    ]  # fmt: skip


@pytest.mark.filterwarnings("default")
def test_the_flows_run_one_after_the_other_and_leave_scores_a_ledger_and_a_mail(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.testing.utilities import prefect_test_harness

    from flows.build_features import build_features
    from flows.compare import compare as compare_challengers
    from flows.inbox import drain
    from flows.monitor import monitor
    from flows.score import score
    from flows.train import train

    load(engine, market(FEW).dataset)
    for name in Task:
        record_tuned(engine, _quick(name))
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TQS_GATE", "dry_run")  # on so small a market no model beats all baselines with certainty
    as_of = FEW.end.isoformat()
    with MailSink(tmp_path / "mails") as sink, prefect_test_harness(server_startup_timeout=120):
        monkeypatch.setenv("TQS_SMTP_URL", sink.url)
        assert score(as_of=as_of) > 0  # no model is trained yet: logged, and only counts are scored
        build_features(as_of=as_of)
        steps: list[str] = []
        with reporting_to(steps.append):
            assert set(train(seed=1)) == set(Task)
        assert {"load the history", *(f"{name}: fit to all known outcomes" for name in Task)} < set(steps)
        assert compare_challengers() == {}  # no challenger in shadow: logged
        put(engine, [event("session.booked", "e1")])
        assert (drain(), drain()) == (1, 0)
        _let_it_wait(engine, "no_show/2")
        assert score(as_of=as_of) > 300
        assert "1 mail sent" in monitor(as_of=as_of)
        assert "0 mails sent" in monitor(as_of=as_of)  # one report per day
        assert len(sink.mails()) == 1
        assert "too few outcomes to compare with no_show/1" in compare_challengers()["no_show"]  # no outcome yet
        compare_challengers()
        assert len(sink.mails()) == 2  # one comparison mail per week
    with engine.connect() as connection:
        kinds = dict(connection.execute(text("SELECT kind, count(*) FROM scores GROUP BY kind")).all())
        top = connection.execute(
            text("SELECT reasons, action FROM scores WHERE kind = 'help' ORDER BY value DESC")
        ).first()
    assert set(kinds) == set(ScoreKind)
    assert top is not None
    assert top.reasons[0]["text"]
    assert top.action
    (first, second) = comparisons(engine, Task.NO_SHOW)
    assert (first.challenger, first.champion) == ("no_show/2", "no_show/1")
    assert first.decision == second.decision
    assert len(pairs(engine, ScoreKind.NO_SHOW, "no_show/2", "no_show/1")) > 100
    stored = champion(engine, Task.NO_SHOW)
    found = open_stored(stored)
    assert found is not None
    assert found.version == "no_show/1"
    assert found.model.sidecar.params["eta"] == QUICK["eta"]


def _quick(name: Task) -> TunedParams:
    """Parameters tuned without test data."""
    before = FEW.end - timedelta(days=120)
    return TunedParams(name, QUICK, 0.2, 0.21, 9, 60.0, f"{name} 1", "data", "features", before, before)


def _let_it_wait(engine: Engine, version: str) -> None:
    """Record the champion's own trees again, as a challenger."""
    serves = champion(engine, Task.NO_SHOW)
    assert serves is not None
    kept = (serves.model_bytes, serves.sidecar)
    record_model(engine, Task.NO_SHOW, version, *kept, "test", "waits", SMALL.end, Action.CHALLENGER)
