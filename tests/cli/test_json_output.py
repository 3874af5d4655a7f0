"""The option `--json`: every command has it and writes one JSON document to standard output."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app
from store.facts.load import load
from tests.lib.api_parts import NOW, marketplace

WITHOUT: Mapping[str, str] = MappingProxyType(
    {
        "demo": "shows progress and addresses, and serves until it is stopped",
        "worker": "a service that logs until it is stopped",
    }
)
"""Commands that print no result, each with the reason."""


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every executable command by its words: leaves, and groups that run without a subcommand."""
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if not children or command.invoke_without_command:
        yield " ".join(path), command
    for name, child in children.items():
        yield from _commands(child, (*path, name))


def test_every_command_that_prints_a_result_can_print_it_as_json() -> None:
    commands = dict(_commands(get_command(app())))
    options = {
        name: {flag for parameter in command.params for flag in parameter.opts} for name, command in commands.items()
    }
    without = {name for name, flags in options.items() if "--json" not in flags}
    assert len(commands) > 25
    assert without == set(WITHOUT)


@pytest.mark.parametrize(
    ("command", "key", "note"),
    [("score", "saved", "no model is registered yet"), ("contacts plan", "planned", "no session of that day")],
)
def test_lines_that_a_flow_prints_go_to_standard_error(
    engine: Engine, database_url: str, tmp_path: Path, command: str, key: str, note: str
) -> None:
    load(engine, marketplace())
    environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path)}
    moment = f"{NOW:%Y-%m-%d %H:%M:%S}"
    result = CliRunner().invoke(app(), [*command.split(), "--as-of", moment, "--json"], env=environ)
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)) == [key]
    assert note in result.stderr
