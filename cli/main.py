"""The command `tqs`: entry point that reads the process environment and maps errors to exit codes."""

import os
import sys
from typing import Annotated

import typer

from cli.backtest import backtest
from cli.contacts import commands as contacts
from cli.demo.command import demo
from cli.demo.running import use_running_demo
from cli.doctor import doctor
from cli.erase import erase
from cli.flows import score, train, tune
from cli.import_dataset import import_dataset
from cli.inbox import commands as inbox
from cli.interrupts import ending_on_interrupt
from cli.keys import audit
from cli.keys import commands as keys
from cli.models import models
from cli.printing import shown
from cli.rails import commands as rails
from cli.retention import retention
from cli.simulate import simulate
from cli.top import top
from cli.upcoming import upcoming
from cli.webhooks import commands as webhooks
from cli.worker import worker
from domain.errors import TutorQualityError
from gateways.private_files import keep_files_private

WITHOUT_DATABASE = frozenset({"demo", "simulate", "backtest"})
"""Commands that use no installation's database, and therefore no running demo."""

PIPE_CLOSED = 141
"""Exit code of a program ended by SIGPIPE, used when the reader of the output has closed it."""


def app() -> typer.Typer:
    """The application with all commands."""
    commands = typer.Typer(
        help="Tutor quality scoring: tutors who need help, reasons, and advice.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    commands.callback()(start)
    commands.command("demo")(demo)
    commands.command("simulate")(simulate)
    commands.command("import")(import_dataset)
    commands.command("backtest")(backtest)
    commands.command("tune")(tune)
    commands.command("train")(train)
    commands.command("score")(score)
    commands.command("retention")(retention)
    commands.command("worker")(worker)
    commands.add_typer(inbox(), name="inbox")
    commands.add_typer(webhooks(), name="webhooks")
    commands.command("top")(top)
    commands.command("upcoming")(upcoming)
    commands.add_typer(contacts(), name="contacts")
    commands.add_typer(models(), name="models")
    commands.add_typer(rails(), name="rails")
    commands.add_typer(keys(), name="keys")
    commands.command("audit")(audit)
    commands.command("doctor")(doctor)
    commands.command("erase")(erase)
    return commands


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tqs {version('tutor-quality-scoring')}")
        raise typer.Exit


def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Check the settings before any command, and find a running demo."""
    from gateways.settings import load_settings

    load_settings(os.environ)
    if context.invoked_subcommand not in WITHOUT_DATABASE:
        use_running_demo(os.environ)


def main() -> None:
    """Run a command. A user error prints one line and exits with its own code."""
    keep_files_private()
    with ending_on_interrupt():
        _run()


def _run() -> None:
    try:
        try:
            app()()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would flush the buffered rest at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_CLOSED)
    except TutorQualityError as error:
        print(f"tqs: {shown(error)}", file=sys.stderr)
        sys.exit(error.exit_code)
