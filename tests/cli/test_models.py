"""`tqs models` on a real database: lists, manual promotion, and the running API's switch to the new champion."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cli.models import models
from domain.errors import NoModel, NotPassed, UnknownVersion
from domain.promotion import Action
from models.gate.checks import Check
from models.gate.decision import GateDecision
from serving.resources import Resources
from serving.state.champions import RECHECK_SECONDS, Champions
from store.db.engine import Engine
from store.facts.load import load
from store.ledger.models import champion, ledger, record_model
from store.ledger.shadow import ShadowComparison, record_comparison
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, serving, small_model

PASSED = GateDecision(checks=(Check(name="signal", passed=True, words="ranks well"),), usable=True)
WAITS = GateDecision(
    checks=(*PASSED.checks, Check(name="champion", passed=False, words="too few to say beside no_show/1")), usable=True
)
SLOW = GateDecision(checks=(Check(name="latency", passed=False, words="80 ms"), *WAITS.checks), usable=True)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")  # unavailable: no command here may need it


def _trained(engine: Engine, version: str, action: Action, decision: GateDecision = PASSED) -> None:
    model = small_model()
    record_model(
        engine, "no_show", version, model.ubj, model.sidecar.model_dump(mode="json"), "train flow", "because", NOW,
        action=action, decision=decision.as_json(), card=f"# Card of {version}",
    )  # fmt: skip


def _tqs(*arguments: str) -> dict[str, Any]:
    """JSON output of a command. Raises the command's exception."""
    found = CliRunner().invoke(models(), [*arguments, "--json"])
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def _serves(engine: Engine) -> str | None:
    found = champion(engine, "no_show")
    return found.version if found else None


def test_list_tells_who_serves_who_waits_and_every_decision(engine: Engine) -> None:
    _trained(engine, "no_show/1", Action.CHAMPION)
    _trained(engine, "no_show/2", Action.CHALLENGER, WAITS)
    no_show, churn = _tqs("list")["models"]
    assert (no_show["champion"], no_show["challenger"]) == ("no_show/1", "no_show/2")
    assert [e["action"] for e in no_show["ledger"]] == ["candidate", "champion", "candidate", "challenger"]
    assert no_show["ledger"][3]["decision"]["reasons"] == ["too few to say beside no_show/1"]
    assert (churn["champion"], churn["ledger"]) == (None, [])
    table = CliRunner().invoke(models(), ["list"]).output
    assert "champion no_show/1" in table
    assert "churn: not trained yet" in table


def test_show_prints_the_card_and_how_the_version_stands(engine: Engine) -> None:
    _trained(engine, "no_show/1", Action.CHAMPION)
    shown = _tqs("show", "no_show/1")
    assert shown["card"] == "# Card of no_show/1"
    assert shown["standing"]["passed"]
    assert CliRunner().invoke(models(), ["show", "no_show/1"]).output.startswith("# Card of no_show/1")


def test_a_version_that_has_not_passed_takes_force_and_a_reason_which_the_ledger_keeps(engine: Engine) -> None:
    _trained(engine, "no_show/1", Action.CHAMPION)
    _trained(engine, "no_show/2", Action.CHALLENGER, WAITS)
    for arguments in ([], ["--force"], ["--force", "--because", "  "]):
        with pytest.raises(NotPassed, match="too few to say") as refused:
            _tqs("promote", "no_show/2", *arguments)
        assert refused.value.exit_code == 7
    assert _serves(engine) == "no_show/1"
    assert _tqs("promote", "no_show/2", "--force", "--because", "the old one is broken", "--actor", "ann")["forced"]
    last = ledger(engine, "no_show")[-1]
    assert (last.version, last.action, last.forced) == ("no_show/2", Action.CHAMPION, True)
    assert (last.actor, last.reason) == ("ann", "the old one is broken")
    assert last.decision is not None
    assert not last.decision["passed"]


def test_columns_to_confirm_are_shown_before_a_promotion(engine: Engine) -> None:
    question = "price: known when asked? The ROC AUC without it changes by -0.021."
    _trained(engine, "no_show/1", Action.CHALLENGER, PASSED.model_copy(update={"to_confirm": (question,)}))
    promoted = CliRunner().invoke(models(), ["promote", "no_show/1", "--json"])
    assert f"to confirm: {question}" in promoted.stderr
    assert json.loads(promoted.stdout)["decision"]["to_confirm"] == [question]


@pytest.mark.parametrize(("trained", "passes"), [(WAITS, True), (SLOW, False)])
def test_a_good_comparison_lets_a_challenger_serve_that_only_lacked_one(
    engine: Engine, trained: GateDecision, passes: bool
) -> None:
    _trained(engine, "no_show/1", Action.CHAMPION)
    _trained(engine, "no_show/2", Action.CHALLENGER, trained)
    better = GateDecision(checks=(Check(name="champion", passed=True, words="better than the champion"),), usable=True)
    record_comparison(engine, ShadowComparison("no_show", "no_show/2", "no_show/0", better.as_json(), NOW))
    with pytest.raises(NotPassed):  # the comparison was with another champion
        _tqs("promote", "no_show/2")
    record_comparison(engine, ShadowComparison("no_show", "no_show/2", "no_show/1", better.as_json(), NOW))
    assert [c["champion"] for c in _tqs("compare")["comparisons"]] == ["no_show/0", "no_show/1"]
    if passes:
        assert not _tqs("promote", "no_show/2")["forced"]
    else:
        with pytest.raises(NotPassed, match="80 ms"):
            _tqs("promote", "no_show/2")
    assert _serves(engine) == ("no_show/2" if passes else "no_show/1")


def test_a_version_that_passed_beside_an_older_champion_has_still_to_meet_the_one_that_serves(engine: Engine) -> None:
    _trained(engine, "no_show/1", Action.CHAMPION)
    _trained(engine, "no_show/2", Action.CHALLENGER)
    assert _tqs("show", "no_show/2")["standing"]["passed"]
    _trained(engine, "no_show/3", Action.CHAMPION)
    with pytest.raises(NotPassed, match="never compared with no_show/3"):
        _tqs("promote", "no_show/2")
    assert _tqs("show", "no_show/3")["standing"]["passed"]


def test_each_rollback_goes_one_champion_further_back_until_there_is_none(engine: Engine) -> None:
    for number in (1, 2, 3):
        _trained(engine, f"no_show/{number}", Action.CHAMPION)
    assert _tqs("rollback", "no_show") == {"champion": "no_show/2", "instead_of": "no_show/3"}
    assert _tqs("rollback", "no_show", "--because", "2 was no better")["champion"] == "no_show/1"
    assert ledger(engine, "no_show")[-1].reason == "2 was no better"
    with pytest.raises(NoModel, match="no earlier champion"):
        _tqs("rollback", "no_show")
    assert _serves(engine) == "no_show/1"


@pytest.mark.parametrize("version", ["no_show/9", "weather/1", "7"])
def test_a_version_nobody_knows_is_refused_with_the_way_to_find_one(version: str) -> None:
    for command in (("promote", version), ("show", version)):
        with pytest.raises(UnknownVersion, match="tqs models list"):
            _tqs(*command)


def test_a_rollback_reaches_the_running_api_within_a_minute(engine: Engine) -> None:
    load(engine, marketplace())
    for number in (1, 2):
        _trained(engine, f"no_show/{number}", Action.CHAMPION)
    passed = [0.0]
    with _api(engine, lambda: passed[0]) as ask:
        assert ask() == "no_show/2"
        _tqs("rollback", "no_show")
        passed[0] += RECHECK_SECONDS
        assert RECHECK_SECONDS < 60
        assert ask() == "no_show/1"


@contextmanager
def _api(engine: Engine, clock: Any) -> Iterator[Any]:
    """Request a prediction from the running API. Returns the model version used."""
    resources = Resources(engine, Champions(engine, clock), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:

        def ask() -> str:
            body: Mapping[str, Any] = client.post("/api/predict/no_show", json={"session_id": "next"}).json()
            return str(body["score"]["model_version"])

        yield ask


def test_a_registry_that_is_away_is_told_beside_the_answer(engine: Engine) -> None:
    for number in (1, 2):
        _trained(engine, f"no_show/{number}", Action.CHAMPION)
    found = CliRunner().invoke(models(), ["rollback", "no_show"])
    assert found.exit_code == 0
    assert "no_show/1 serves again instead of no_show/2" in found.stdout
    assert "aliases follow with the next training" in found.stderr
