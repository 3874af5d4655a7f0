"""Promotion and rollback by a person. The ledger is written first, then MLflow's aliases."""

from collections.abc import Callable
from datetime import datetime

from domain.errors import NoModel, NotPassed, UnknownVersion
from domain.promotion import Action, champions
from domain.vocabulary import Task
from jobs.promotion import settle_registry
from jobs.runtime import Runtime
from models.gate.decision import GateDecision, standing
from store.ledger.models import LedgerEntry, ledger, record, record_action
from store.ledger.shadow import comparisons


def task_of(version: str) -> Task:
    """The task of a version such as `no_show/3`. Raises UnknownVersion."""
    name = version.partition("/")[0]
    if name not in set(Task):
        raise UnknownVersion(f"{version!r} is no version such as no_show/3. `tqs models list` lists the versions.")
    return Task(name)


def current_decision(runtime: Runtime, version: str) -> GateDecision:
    """Current decision of the gate about a version. Raises UnknownVersion."""
    name = task_of(version)
    entries = [entry for entry in ledger(runtime.engine, name) if entry.version == version]
    if not entries:
        raise UnknownVersion(f"{name} has no version {version!r}. `tqs models list` lists the versions.")
    return standing(_trained(entries), _compared(runtime, name, version), _unmet(runtime, name, version))


def promote(
    runtime: Runtime, version: str, actor: str, because: str, force: bool, now: datetime, tell: Callable[[str], None]
) -> GateDecision:
    """Make a version the champion; with force and a recorded reason if the gate has not passed it.

    `tell` is called with a sentence if MLflow is unavailable. Raises UnknownVersion, and NotPassed if force or a reason
    is missing.
    """
    name, found = task_of(version), current_decision(runtime, version)
    forced = not found.passed
    if forced and not (force and because.strip()):
        raise NotPassed(
            f"{version} has not passed the gate: {'; '.join(found.reasons)}. "
            f'To promote it anyway: tqs models promote {version} --force --because "…"'
        )
    reason = because.strip() or "; ".join(found.reasons)
    record_action(runtime.engine, name, version, Action.CHAMPION, actor, reason, now, found.as_json(), forced)
    settle_registry(runtime, name, now, tell)
    return found


def roll_back(
    runtime: Runtime, name: Task, actor: str, because: str, now: datetime, tell: Callable[[str], None]
) -> tuple[str, str]:
    """Make the previous champion the champion again. Returns the replaced and the restored version.

    Raises NoModel without a previous champion.
    """
    serving = champions(record(runtime.engine, name))
    if len(serving) < 2:
        raise NoModel(f"{name}: no earlier champion to go back to. `tqs models list` shows the history.")
    left, back = serving[-1], serving[-2]
    reason = because.strip() or f"rolled back from {left}"
    record_action(runtime.engine, name, back, Action.ROLLBACK, actor, reason, now)
    settle_registry(runtime, name, now, tell)
    return left, back


def _trained(entries: list[LedgerEntry]) -> GateDecision | None:
    """Decision of the gate when the version was trained."""
    kept = next((entry.decision for entry in entries if entry.decision), None)
    return GateDecision.of(kept) if kept else None


def _unmet(runtime: Runtime, name: Task, version: str) -> str | None:
    """The current champion if it differs from the champion at the training of the version."""
    done = record(runtime.engine, name)
    began = next(place for place, (_, each) in enumerate(done) if each == version)
    then, now = champions(done[:began])[-1:], champions(done)[-1:]
    return None if now in (then, [version]) else now[0]


def _compared(runtime: Runtime, name: Task, version: str) -> GateDecision | None:
    """Newest comparison of a version with the current champion."""
    serving = champions(record(runtime.engine, name))[-1:]
    found = [c for c in comparisons(runtime.engine, name) if c.challenger == version and [c.champion] == serving]
    return GateDecision.of(found[-1].decision) if found else None
