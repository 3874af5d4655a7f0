"""Promotion of a training to champion, challenger or rejected version: registry, gate, card and ledger."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import LateFeature, ModelMismatch, RegistryUnavailable
from domain.promotion import Action, GateMode, challenger, champions, last_number
from domain.vocabulary import Task
from features.history.history import History
from gateways.registry import RegisteredVersion, attach, discard, register, settle
from gateways.registry.tracking import EXPERIMENT, parent_run
from jobs.runtime import Runtime, git_commit
from jobs.scoring import open_stored
from models.evaluate.report import full_document
from models.gate.checks import Policy
from models.gate.contest import contest, milliseconds_a_row
from models.gate.decision import CandidateEvaluation, Contest, GateDecision, action_after, decide
from models.publish.card import Card, card_of, html, markdown
from models.publish.plots import plots
from models.train.training import Training
from store.ledger.models import champion, record, record_model

ACTOR = "train flow"


@dataclass(frozen=True)
class Promotion:
    """A version and the action on it; `decision` is None if the gate was off."""

    version: str
    action: Action
    decision: GateDecision | None

    @property
    def words(self) -> str:
        """The action and, unless the gate passed it, the reasons."""
        if self.decision is None:
            return f"{self.version}: {self.action}, the gate was off"
        if self.decision.passed:
            return f"{self.version}: {self.action}"
        return f"{self.version}: {self.action}. Reasons of the gate: {'; '.join(self.decision.reasons)}"


def save(runtime: Runtime, training: Training, history: History, seed: int, now: datetime) -> Promotion:
    """Register a training in MLflow, apply the gate, and record the action in the ledger.

    MLflow comes first, then the ledger in one transaction, then the aliases: after a failure in between, no version
    serves that is not in the ledger. Raises RegistryUnavailable, DatabaseUnavailable.
    """
    task_, commit, mode = training.model.sidecar.task, git_commit(Path(__file__).parent), runtime.settings.gate
    decision = None if mode is GateMode.OFF else _decide(runtime, training, history, seed)
    action = action_after(decision, mode)
    registered = _register(runtime, training, commit, now)
    with _discarded_on_failure(runtime, registered):
        card = card_of(training, registered.shown, decision, action, mode, commit)
        attach(runtime.tracking_uri, registered, _files(card, training, decision), _reason(decision, action, mode))
        _record(runtime, training, registered, decision, action, markdown(card), now)
    settle_registry(runtime, task_, now)
    return Promotion(registered.shown, action, decision)


def settle_registry(runtime: Runtime, name: Task, now: datetime, tell: Callable[[str], None] = print) -> None:
    """Set MLflow's aliases from the ledger. If the registry is unavailable, `tell` is called with a sentence."""
    done = record(runtime.engine, name)
    serving, shadow = champions(done)[-1:], challenger(done)
    aliases = {"champion": _number(name, serving[0]) if serving else None}
    aliases["challenger"] = _number(name, shadow) if shadow else None
    try:
        settle(runtime.tracking_uri, name, {_number(name, version) for _, version in done}, aliases, now)
    except RegistryUnavailable as error:
        tell(f"{name}: the ledger is written; MLflow's aliases follow with the next training. {error}")


def _decide(runtime: Runtime, training: Training, history: History, seed: int) -> GateDecision:
    candidate = CandidateEvaluation(training.test.label, training.evaluation, milliseconds_a_row(training))
    return decide(candidate, _contest(runtime, training, history), Policy(), seed)


def _contest(runtime: Runtime, training: Training, history: History) -> Contest | None:
    try:
        serves = open_stored(champion(runtime.engine, training.model.sidecar.task))
        return contest(training, serves, history) if serves else None
    except (LateFeature, ModelMismatch) as error:
        print(f"the champion can no longer score, so it is not compared with: {error}")
        return None


def _register(runtime: Runtime, training: Training, commit: str, now: datetime) -> RegisteredVersion:
    return register(
        training,
        plots=plots(training),
        tracking_uri=runtime.tracking_uri,
        artifact_root=runtime.artifacts,
        experiment=EXPERIMENT,
        git_commit=commit,
        now=now,
        parent_run_id=parent_run(os.environ, Path.cwd()),
        last_known=last_number(version for _, version in record(runtime.engine, training.model.sidecar.task)),
    )


@contextmanager
def _discarded_on_failure(runtime: Runtime, registered: RegisteredVersion) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # If the registry failed, the version stays, marked as pending, and the next training deletes it.
        with suppress(RegistryUnavailable):
            discard(runtime.tracking_uri, registered, str(error))
        raise


def _record(
    runtime: Runtime,
    training: Training,
    registered: RegisteredVersion,
    decision: GateDecision | None,
    action: Action,
    card: str,
    now: datetime,
) -> None:
    record_model(
        runtime.engine,
        name=registered.name,
        version=registered.shown,
        model_bytes=training.model.ubj,
        sidecar=training.model.sidecar.model_dump(mode="json"),
        actor=ACTOR,
        reason=_reason(decision, action, runtime.settings.gate),
        now=now,
        action=action,
        decision=None if decision is None else {"mode": runtime.settings.gate, **decision.as_json()},
        card=card,
    )


def _reason(decision: GateDecision | None, action: Action, mode: GateMode) -> str:
    if decision is None:
        return "newest training; the gate is off"
    words = "; ".join(decision.reasons)
    if mode is GateMode.DRY_RUN and not decision.passed:
        return f"newest training; the gate, on a dry run, would refuse it: {words}"
    return words


def _files(card: Card, training: Training, decision: GateDecision | None) -> Mapping[str, str]:
    documents = {"evaluation": full_document(training.evaluation), "decision": decision.as_json() if decision else None}
    found = {f"{name}.json": json.dumps(document, indent=1) for name, document in documents.items()}
    return found | {"model_card.md": markdown(card), "model_card.html": html(card)}


def _number(name: str, version: str) -> str:
    return version.removeprefix(f"{name}/")
