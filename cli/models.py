"""`tqs models`: model versions, their ledger, promotion and rollback."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.printing import AsJson, cell, notes_apart, print_json, shown
from cli.steps import console as make_console
from domain.vocabulary import Task

if TYPE_CHECKING:
    from jobs.runtime import Runtime

Because = Annotated[str, typer.Option(help="Reason; recorded in the ledger.")]
Actor = Annotated[str | None, typer.Option(help="Who decides; by default your account name.")]
Version = Annotated[str, typer.Argument(help="A version such as no_show/3.")]


def models() -> typer.Typer:
    """Commands under `tqs models`."""
    commands = typer.Typer(help="Model versions, their ledger, promotion and rollback.", no_args_is_help=True)
    commands.command("list")(list_models)
    for command in (show, compare, promote, rollback):
        commands.command()(command)
    return commands


def list_models(as_json: AsJson = False) -> None:
    """List the ledger of each task, oldest first, with the current champion and challenger."""
    from domain.promotion import challenger, champions
    from store.ledger.models import ledger

    found = []
    with _runtime() as runtime:
        for name in Task:
            entries = ledger(runtime.engine, name)
            record = [(entry.action, entry.version) for entry in entries]
            serves = next(reversed(champions(record)), None)
            done = [_plain(entry) for entry in entries]
            found.append({"name": name, "champion": serves, "challenger": challenger(record), "ledger": done})
    if as_json:
        print_json({"models": found})
    else:
        _print_ledgers(found)


def show(version: Version, as_json: AsJson = False) -> None:
    """Print the model card of a version and its ledger entries."""
    from jobs.manual_promotion import current_decision, task_of
    from store.ledger.models import card, ledger

    name = task_of(version)
    with _runtime() as runtime:
        decision, text = current_decision(runtime, version), card(runtime.engine, name, version)
        done = [_plain(entry) for entry in ledger(runtime.engine, name) if entry.version == version]
    if as_json:
        print_json({"version": version, "standing": decision.as_json(), "card": text, "ledger": done})
        return
    print(_card(text) if text else f"# {version}\n\nNo card is stored.")
    _print_ledgers([{"name": name, "ledger": done}])


def compare(
    now: Annotated[bool, typer.Option("--now", help="Run a comparison first, on all outcomes known now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare challengers with champions on what both predicted: week by week, newest last."""
    from store.ledger.shadow import comparisons

    if now:
        _compare_now(as_json)
    with _runtime() as runtime:
        compared = [_plain(comparison) for name in Task for comparison in comparisons(runtime.engine, name)]
    if as_json:
        print_json({"comparisons": compared})
    elif not compared:
        print("No challenger has been compared yet: this requires a challenger, hours of scoring, and outcomes.")
    else:
        columns = ("at", "challenger", "champion", "passed", "why")
        rows = [(c["at"], c["challenger"], c["champion"], *_verdict(c["decision"])) for c in compared]
        _print_table("Challengers and champions", columns, rows)


def promote(
    version: Version,
    force: Annotated[bool, typer.Option("--force", help="Promote even if the gate has not passed it.")] = False,
    because: Because = "",
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Promote a version to champion. Without a passing decision this requires --force and --because."""
    from gateways.clock import utc_now
    from jobs.manual_promotion import current_decision
    from jobs.manual_promotion import promote as run

    with _runtime() as runtime:
        for question in current_decision(runtime, version).to_confirm:
            _warn(f"to confirm: {question}")
        decision = run(runtime, version, actor or getpass.getuser(), because, force, utc_now(), _warn)
    if as_json:
        print_json({"champion": version, "forced": not decision.passed, "decision": decision.as_json()})
    else:
        print(f"{version} serves{', by force' if not decision.passed else ''}; the API loads it within half a minute.")


def rollback(
    task: Annotated[Task, typer.Argument(help="Task of the model.")],
    because: Because = "",
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Return to the previous champion."""
    from gateways.clock import utc_now
    from jobs.manual_promotion import roll_back

    with _runtime() as runtime:
        left, back = roll_back(runtime, task, actor or getpass.getuser(), because, utc_now(), _warn)
    if as_json:
        print_json({"champion": back, "instead_of": left})
    else:
        print(f"{back} serves again instead of {left}; the API loads it within half a minute.")


def _warn(sentence: str) -> None:
    print(shown(sentence), file=sys.stderr)  # with --json standard output holds the document only


def _compare_now(as_json: bool) -> None:
    from flows.compare import compare as flow
    from flows.standalone import run

    with notes_apart(as_json):
        run(flow)


def _card(text: str) -> str:
    """A card without control characters."""
    return "\n".join(map(shown, text.splitlines()))


@contextmanager
def _runtime() -> Iterator["Runtime"]:
    from jobs.runtime import open_runtime

    with open_runtime(os.environ) as runtime:
        yield runtime


def _plain(record: Any) -> dict[str, Any]:
    found = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return found | {"at": found["at"].isoformat(timespec="seconds")}


def _print_ledgers(found: list[dict[str, Any]]) -> None:
    for model in found:
        if not model["ledger"]:
            print(f"{model['name']}: not trained yet")
            continue
        roles = [f"{role} {model[role]}" for role in ("champion", "challenger") if model.get(role)]
        title = ", ".join([f"{model['name']}", *roles]) if roles or "champion" not in model else model["name"]
        rows = [(e["at"], e["version"], _action(e), e["actor"], e["reason"]) for e in model["ledger"]]
        _print_table(title, ("at", "version", "action", "by", "why"), rows)


def _action(entry: dict[str, Any]) -> str:
    return f"{entry['action']}, forced" if entry["forced"] else str(entry["action"])


def _verdict(decision: dict[str, Any]) -> tuple[str, str]:
    return "yes" if decision["passed"] else "no", "; ".join(decision["reasons"])


def _print_table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    from rich.table import Table

    table = Table(title=cell(title), title_justify="left")
    for name in columns:
        table.add_column(name, ratio=1 if name == "why" else None)
    for row in rows:
        table.add_row(*map(cell, row))
    make_console().print(table)
