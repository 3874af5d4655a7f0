"""The option `--json`: every command has it, and then standard output is one JSON document."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from typer.main import get_command

from cli.main import app

WITHOUT: Mapping[str, str] = MappingProxyType(
    {
        "demo": "shows progress and addresses, and serves until it is stopped",
        "worker": "a service that logs until it is stopped",
    }
)
"""Commands that print no result, each with the reason."""


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words: leaves, and groups that run without a subcommand."""
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if not children or command.invoke_without_command:
        yield " ".join(path), command
    for name, child in children.items():
        yield from _commands(child, (*path, name))


def test_every_command_that_prints_a_result_can_print_it_as_json() -> None:
    found = dict(_commands(get_command(app())))
    options = {name: {flag for each in command.params for flag in each.opts} for name, command in found.items()}
    without = {name for name, flags in options.items() if "--json" not in flags}
    assert len(found) > 25
    assert without == set(WITHOUT)
