"""Promotion of a training into the ledger: champion, challenger, rejection, and a registry that fails midway."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import DatabaseUnavailable, RegistryUnavailable
from domain.promotion import Action, GateMode
from domain.vocabulary import Task
from features.history.history import History
from gateways.embedded_postgres.databases import create_database
from gateways.registry import prepare
from gateways.settings import load_settings
from jobs.promotion import Promotion, save
from jobs.runtime import Runtime
from models.train.training import Training
from store.db.engine import Engine, make_engine
from store.ledger.models import card, challenger, champion, ledger, record_model
from tests.lib.api_parts import marketplace
from tests.lib.failing_proxy import FailingProxy
from tests.lib.trainings import NOW, training

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="module")
def registry(registry_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{shutil.copy(registry_file, tmp_path_factory.mktemp('mlflow'))}"


@pytest.fixture(scope="module")
def registry_in_postgres(server_url: str) -> str:
    uri = create_database(server_url, "mlflow_of_tests")
    prepare(uri)
    return uri


@pytest.fixture
def runtime(engine: Engine, registry: str, tmp_path: Path) -> Runtime:
    return Runtime(load_settings({"TQS_DATA_DIR": str(tmp_path)}), engine, registry)


@pytest.fixture(scope="module")
def history() -> History:
    return History(marketplace())


def _save(runtime: Runtime, found: Training, history: History, gate: GateMode = GateMode.ON) -> Promotion:
    settings = runtime.settings.model_copy(update={"gate": gate})
    return save(replace(runtime, settings=settings), found, history, 0, NOW)


def _client(uri: str):  # type: ignore[no-untyped-def]
    from mlflow import MlflowClient

    return MlflowClient(uri)


def test_a_training_that_passes_serves_with_its_decision_card_and_alias(runtime: Runtime, history: History) -> None:
    found = _save(runtime, training(), history)
    serves = champion(runtime.engine, Task.NO_SHOW)
    assert serves is not None
    assert found.action is Action.CHAMPION
    assert serves.version == found.version
    assert [entry.action for entry in ledger(runtime.engine, "no_show")] == [Action.CANDIDATE, Action.CHAMPION]
    kept = ledger(runtime.engine, "no_show")[-1].decision
    assert kept is not None
    assert kept["passed"]
    text = card(runtime.engine, "no_show", found.version)
    assert text is not None
    assert text.startswith(f"# Model card: {found.version}")
    client, number = _client(runtime.tracking_uri), found.version.removeprefix("no_show/")
    version = client.get_model_version_by_alias("no_show", "champion")
    assert (str(version.version), version.tags["ledger"]) == (number, "recorded")
    files = {artifact.path for artifact in client.list_artifacts(version.run_id)}
    assert {"model_card.md", "model_card.html", "evaluation.json", "decision.json", "sidecar.json"} <= files
    folder = runtime.artifacts / version.run_id / "artifacts"
    assert json.loads((folder / "evaluation.json").read_text())["figures"]["roc_auc"]["value"] > 0.7


def test_noise_is_refused_and_serves_nobody(runtime: Runtime, history: History) -> None:
    found = _save(runtime, training(signal=0.0, seed=3), history)
    assert found.action is Action.REFUSED
    assert "no usable signal" in found.words
    assert champion(runtime.engine, "no_show") is None
    assert "no usable signal" in ledger(runtime.engine, "no_show")[-1].reason


def test_a_training_that_knows_nothing_newer_than_the_champion_waits_in_shadow(
    runtime: Runtime, history: History
) -> None:
    first = _save(runtime, training(), history)
    second = _save(runtime, training(seed=1), history)
    serves, waits = champion(runtime.engine, "no_show"), challenger(runtime.engine, "no_show")
    assert serves is not None
    assert waits is not None
    assert (serves.version, waits.version) == (first.version, second.version)
    assert "too few outcomes" in second.words
    alias = _client(runtime.tracking_uri).get_model_version_by_alias("no_show", "challenger")
    assert f"no_show/{alias.version}" == second.version


def test_a_champion_that_this_version_cannot_read_does_not_keep_the_next_training_out(
    runtime: Runtime, history: History
) -> None:
    first = training()
    sidecar = first.model.sidecar.model_dump(mode="json") | {"of_another_version": 1}
    record_model(runtime.engine, "no_show", "no_show/old", first.model.ubj, sidecar, "test", "first", NOW)
    found = _save(runtime, training(seed=1), history)
    assert found.action is Action.CHAMPION
    serves = champion(runtime.engine, Task.NO_SHOW)
    assert serves is not None
    assert serves.version == found.version


def test_on_a_dry_run_the_newest_serves_and_the_decision_is_kept(runtime: Runtime, history: History) -> None:
    found = _save(runtime, training(signal=0.0, seed=3), history, GateMode.DRY_RUN)
    assert found.action is Action.CHAMPION
    last = ledger(runtime.engine, "no_show")[-1]
    assert last.decision is not None
    assert not last.decision["passed"]
    assert "on a dry run, would refuse it" in last.reason


def test_with_the_gate_off_the_newest_serves_unasked(runtime: Runtime, history: History) -> None:
    found = _save(runtime, training(signal=0.0, seed=3), history, GateMode.OFF)
    assert found.action is Action.CHAMPION
    assert ledger(runtime.engine, "no_show")[-1].decision is None


TRIGGERS = (
    pytest.param(b"INSERT INTO metrics", id="at the figures"),
    pytest.param(b"INSERT INTO logged_models", id="at the model", marks=pytest.mark.slow),
    pytest.param(b"INSERT INTO model_versions", id="at the version", marks=pytest.mark.slow),
    pytest.param(b"UPDATE model_versions", id="after the version"),
)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_registry_that_dies_in_the_middle_leaves_the_champion_and_the_ledger_as_they_were(
    runtime: Runtime, history: History, registry_in_postgres: str, trigger: bytes
) -> None:
    healthy = replace(runtime, tracking_uri=registry_in_postgres)
    before = _save(healthy, training(), history, GateMode.OFF)
    proxy = FailingProxy(registry_in_postgres, trigger)
    with pytest.raises(RegistryUnavailable):
        _save(replace(runtime, tracking_uri=proxy.url), training(seed=1), history, GateMode.OFF)
    assert proxy.triggered
    assert len(ledger(runtime.engine, "no_show")) == 2
    serves = champion(runtime.engine, "no_show")
    assert serves is not None
    assert serves.version == before.version
    alias = _client(registry_in_postgres).get_model_version_by_alias("no_show", "champion")
    assert f"no_show/{alias.version}" == before.version


def test_a_registry_that_dies_after_the_ledger_is_written_follows_with_the_next_training(
    runtime: Runtime, history: History, registry_in_postgres: str, capsys: pytest.CaptureFixture[str]
) -> None:
    proxy = FailingProxy(registry_in_postgres, b"'recorded'")
    lost = _save(replace(runtime, tracking_uri=proxy.url), training(), history, GateMode.OFF)
    serves = champion(runtime.engine, "no_show")
    assert proxy.triggered
    assert serves is not None
    assert serves.version == lost.version
    assert "aliases follow with the next training" in capsys.readouterr().out
    healthy = replace(runtime, tracking_uri=registry_in_postgres)
    found = _save(healthy, training(seed=1), history, GateMode.OFF)
    client = _client(registry_in_postgres)
    assert f"no_show/{client.get_model_version_by_alias('no_show', 'champion').version}" == found.version
    assert client.get_model_version("no_show", lost.version.removeprefix("no_show/")).tags["ledger"] == "recorded"


def test_a_database_that_dies_before_the_ledger_takes_the_version_out_of_the_registry_again(
    runtime: Runtime, history: History
) -> None:
    proxy = FailingProxy(runtime.engine.url.render_as_string(hide_password=False), b"INSERT INTO model_ledger")
    dying = make_engine(proxy.url)
    with pytest.raises(DatabaseUnavailable):
        _save(replace(runtime, engine=dying), training(), history)
    dying.dispose()
    assert proxy.triggered
    assert ledger(runtime.engine, "no_show") == []
    client = _client(runtime.tracking_uri)
    pending = client.search_model_versions("name = 'no_show' AND tag.`ledger` = 'pending'")
    assert list(pending) == []


def test_a_registry_that_is_away_is_said_before_anything_is_trained(
    engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.train import train

    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:1 does not respond") as away:
        train.fn()
    assert away.value.exit_code == 5
    assert [ledger(engine, name) for name in Task] == [[], []]
