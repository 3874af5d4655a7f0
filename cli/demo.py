"""`tqs demo`: the whole product at real size on one machine, from nothing to a ranked list and running services."""

import os
import secrets
import shutil
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.steps import Steps
from cli.steps import console as make_console

if TYPE_CHECKING:
    from rich.console import Console

    from cli.processes import Processes, Service
    from flows.runtime import Runtime
    from gateways.settings import Settings

READY_SECONDS = 180.0
MAIL_TO = "quality-team@example.org"


@dataclass(frozen=True)
class Stage:
    """Where a demo plays: its settings, and the environment its flows and services see."""

    settings: "Settings"
    environ: dict[str, str]
    now: datetime

    @property
    def dataset_dir(self) -> Path:
        """Where the simulated files are written."""
        return self.settings.data_dir / "dataset"

    @property
    def mails(self) -> Path:
        """Where the local mail sink puts what is sent."""
        return self.settings.data_dir / "mails"


def demo(
    serve: Annotated[
        bool, typer.Option(help="Keep API, dashboard, MLflow and Prefect running after the table.")
    ] = True,
    tutors: Annotated[int, typer.Option(help="Tutors in the simulated marketplace.")] = 1200,
    days: Annotated[int, typer.Option(help="Days of history.")] = 180,
    sessions_per_day: Annotated[int, typer.Option(help="Sessions a day.")] = 3000,
) -> None:
    """Simulate a marketplace, load it, train, score, print who needs help most, and serve it.

    Always works in `demo` inside the data folder, on an embedded PostgreSQL of its own: never on DATABASE_URL.
    """
    _listen_for_the_end()
    with ExitStack() as stack:
        try:
            play(stack, serve, tutors, days, sessions_per_day)
        except KeyboardInterrupt:
            print("\nStopping everything.")


def play(stack: ExitStack, serve: bool, tutors: int, days: int, sessions_per_day: int) -> None:
    """All steps in order. What is started is stopped by the stack, in reverse order, whatever happens."""
    from cli.processes import Processes
    from cli.services import prefect_service
    from cli.top import print_top
    from flows.runtime import open_runtime

    console = make_console()
    steps = Steps(console, 9 if serve else 8)
    with steps.step("Start PostgreSQL and Prefect"):
        stage = set_stage(stack)
        processes = Processes(stage.settings.data_dir / "logs")
        stack.callback(processes.stop)
        prefect = prefect_service(stage.environ)
        processes.start(prefect)
        _empty_database(stage.settings)
        runtime = stack.enter_context(open_runtime(stage.environ))
    _fill(steps, stage, tutors, days, sessions_per_day)
    processes.wait_ready(prefect, READY_SECONDS)
    _learn(steps, stage)
    print_top(runtime.engine, console, 15)
    console.print(f"Mails sent lie in {stage.mails}", soft_wrap=True, highlight=False)
    if serve:
        with steps.step("Start API, dashboard, MLflow and schedules"):
            services = _start_services(processes, stage, runtime)
        _print_addresses(console, stage, [*services, prefect], runtime.tracking_uri)
        _wait_for_the_end()


def _listen_for_the_end() -> None:
    """Ctrl-C and a polite kill end the demo, also where a shell that started it in the background had them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _wait_for_the_end() -> None:
    # Libraries have put their own handlers in place by now, and an unlimited wait may sleep through a signal.
    _listen_for_the_end()
    while True:
        time.sleep(0.5)


def set_stage(stack: ExitStack) -> Stage:
    """A fresh demo folder and its environment, with a mail sink that runs until the end."""
    from cli.services import prefect_environ
    from gateways.mail_sink import MailSink
    from gateways.private_files import make_data_dir
    from gateways.settings import load_settings

    environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "MLFLOW_TRACKING_URI"}}
    home = (load_settings(environ).data_dir / "demo").absolute()
    for leftover in ("dataset", "features", "logs", "mails", "mlflow", "prefect", "reports"):
        shutil.rmtree(home / leftover, ignore_errors=True)
    make_data_dir(home)
    sink = stack.enter_context(MailSink(home / "mails"))
    environ |= {"TQS_DATA_DIR": str(home), "TQS_SMTP_URL": sink.url, "TQS_MAIL_TO": MAIL_TO}
    environ = prefect_environ(load_settings(environ), environ)
    environ["TQS_API_KEY"] = environ.get("TQS_API_KEY") or secrets.token_urlsafe(24)
    # Flows read the process's environment, and Prefect reads it when it is imported.
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ.update(environ)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Stage(load_settings(environ), environ, now)


def _empty_database(settings: "Settings") -> None:
    """Begin without what an earlier demo left: its present moment was another."""
    from gateways.postgres import empty_database, running_database

    with running_database(settings) as url:
        for name in ("mlflow", "tqs"):
            empty_database(url, name)


def _fill(steps: Steps, stage: Stage, tutors: int, days: int, sessions_per_day: int) -> None:
    from cli.import_dataset import load_file
    from simulator.files import write
    from simulator.marketplace import simulate
    from simulator.settings import MarketSettings

    with steps.step("Simulate a marketplace") as notes:
        size = {"tutors": tutors, "days": days, "sessions_per_day": sessions_per_day}
        market = MarketSettings.model_validate(size | {"seed": stage.settings.seed, "end": stage.now})
        found = simulate(market)
        write(found, stage.dataset_dir)
        notes.append(f"{found.dataset.tables['sessions'].num_rows:,} sessions")
        del found
    with steps.step("Check and load it") as notes:
        notes.append(load_file(stage.dataset_dir / "dataset.yaml", stage.settings).in_words())


def _learn(steps: Steps, stage: Stage) -> None:
    from flows.build_features import build_features
    from flows.contacts import contacts
    from flows.monitor import monitor
    from flows.score import score
    from flows.train import train

    as_of = stage.now.isoformat()
    with steps.step("Build features") as notes:
        notes.append(f"{build_features(as_of=as_of):,} rows")
    with steps.step("Train and register both models") as notes:
        notes += train(truth_file=str(stage.dataset_dir / "truth.parquet")).values()
    with steps.step("Score tutors and upcoming sessions") as notes:
        notes.append(f"{score(as_of=as_of):,} scores")
    with steps.step("Plan the contacts for tomorrow's sessions") as notes:
        notes.append(f"{contacts(as_of=as_of)} tutors on the list")
    with steps.step("Check for drift and mail the report") as notes:
        notes.append(monitor(as_of=as_of))


def _start_services(processes: "Processes", stage: Stage, runtime: "Runtime") -> list["Service"]:
    from cli.services import (
        api_service,
        dashboard_service,
        mlflow_service,
        schedules_service,
        worker_service,
    )

    services = [
        api_service(stage.settings, stage.environ),
        dashboard_service(stage.settings, stage.environ),
        mlflow_service(stage.settings, stage.environ),
    ]
    for service in [*services, worker_service(stage.environ), schedules_service(stage.environ)]:
        processes.start(service)
    for service in services:
        processes.wait_ready(service, READY_SECONDS)
    return services


def _print_addresses(console: "Console", stage: Stage, services: list["Service"], tracking_uri: str) -> None:
    from rich.table import Table

    from gateways.registry import runs_path
    from gateways.signatures import incoming
    from gateways.tracking import EXPERIMENT, pages_sign_in

    table = Table(title="Running until Ctrl-C", title_justify="left")
    table.add_column("What")
    table.add_column("Where", no_wrap=True)
    table.add_column("Sign-in", no_wrap=True)
    sign_in = {"api": f"X-API-Key: {stage.environ['TQS_API_KEY']}", "dashboard": _dashboard_sign_in(stage)}
    sign_in["mlflow"] = pages_sign_in(stage.settings)
    sign_in["prefect"] = stage.environ["PREFECT_API_AUTH_STRING"]
    for service in services:
        table.add_row(service.name, service.url, sign_in.get(service.name, "none"))
    console.print(table)
    print(f"Rails signs its events with {incoming(stage.settings).secrets[0]}", flush=True)
    mlflow = next(service for service in services if service.name == "mlflow")
    print(f"MLflow's runs with the columns that matter: {mlflow.url}{runs_path(tracking_uri, EXPERIMENT)}", flush=True)


def _dashboard_sign_in(stage: Stage) -> str:
    from ui.sign_in import credentials

    ((user, password),) = credentials(stage.settings.data_dir).items()
    return f"{user} / {password}"
