"""`tqs demo`: the whole product at full size on one machine, from simulation to ranked list and running services."""

import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.demo.home import DemoHome, Progress
from cli.demo.plan import (
    SERVE,
    START,
    Wish,
    check_disk,
    check_same_size,
    confirm_deletion,
    expected_seconds,
    first_progress,
    introduction,
    utc_minute,
)
from cli.steps import Steps
from cli.steps import console as make_console
from domain.errors import InvalidSettings

if TYPE_CHECKING:
    from cli.demo.running import State
    from cli.processes import Processes, Service
    from gateways.settings import Settings
    from jobs.runtime import Runtime

READY_SECONDS = 180.0
MAIL_TO = "quality-team@example.org"
_UNUSED = ("DATABASE_URL", "MLFLOW_TRACKING_URI")
"""Variables that the demo ignores: it has a database and a tracking store of its own."""


@dataclass(frozen=True)
class DemoStage:
    """Settings of the demo, environment of its flows and services, and its current time."""

    settings: "Settings"
    environ: dict[str, str]
    home: DemoHome
    now: datetime

    @property
    def exports(self) -> dict[str, str]:
        """Variables with which another program uses the demo's data and finds its services."""
        names = ("TQS_DATA_DIR", "TQS_API_PORT", "TQS_SMTP_URL", "TQS_MAIL_TO")
        return {name: self.environ[name] for name in names if name in self.environ}


def demo(
    serve: Annotated[
        bool, typer.Option(help="Keep API, dashboard, MLflow and Prefect running after the table.")
    ] = True,
    tutors: Annotated[int | None, typer.Option(help="Tutors in a new marketplace; 1200 by default.", min=1)] = None,
    days: Annotated[int | None, typer.Option(help="Days of its history; 180 by default.", min=7)] = None,
    sessions_per_day: Annotated[int | None, typer.Option(help="Sessions a day; 3000 by default.", min=1)] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the demo's data and start over.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fresh: do not ask.")] = False,
) -> None:
    """Simulate a marketplace, load it, train, score, print the tutors who most need help, and start the services.

    A later start keeps the data and continues the marketplace up to now. The demo always uses the folder `demo` inside
    the data folder and its own embedded PostgreSQL, never DATABASE_URL.
    """
    _handle_signals()
    with ExitStack() as stack:
        try:
            play(stack, serve, Wish(tutors, days, sessions_per_day), fresh, yes)
        except KeyboardInterrupt:
            print("\nStopping all services. The data is kept; the next start continues with it.")


def play(stack: ExitStack, serve: bool, wish: Wish, fresh: bool = False, yes: bool = False) -> None:
    """Run all steps in order. The stack stops everything that was started, in reverse order, also after an error."""
    from cli.demo.steps import fill, learn, wipe
    from cli.next_runs import print_next_runs
    from cli.processes import Processes
    from cli.services import prefect_service
    from cli.top import print_top
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime

    console = make_console()
    home, settings = _home()
    stack.enter_context(home.locked())
    _stop_leftovers(home)
    if fresh and any(home.path.glob("postgres/*")):
        confirm_deletion(home, yes)
        wipe(home, settings)
    progress = _progress(home, wish, settings.seed)
    console.print(introduction(home, progress, serve), soft_wrap=True)
    home.keep(progress)
    stage = set_stage(stack, home, progress)
    steps = Steps(console, 9 if serve else 8, expected_seconds(progress))
    with steps.step(START):
        processes = Processes(home.path / "logs")
        stack.callback(processes.stop)
        prefect = prefect_service(stage.environ)
        state = _announce(stack, stage)
        _start(processes, prefect, home, state)
        runtime = stack.enter_context(open_runtime(stage.environ))
    progress = fill(steps, stage, progress)
    processes.wait_ready(prefect, READY_SECONDS)
    learn(steps, stage, runtime.engine)
    progress = home.keep_seconds(replace(progress, finished=True), steps.took)
    print_top(runtime.engine, console, utc_now(), 15)
    console.print(f"Sent mails are in {home.path / 'mails'}", soft_wrap=True)
    if serve:
        with steps.step(SERVE):
            services = _start_services(processes, stage, runtime, state)
        home.keep_seconds(progress, steps.took)
        _print_addresses(stage, [*services, prefect], runtime.tracking_uri)
        print_next_runs(console, stage.settings.schedules, utc_now())
        _wait_for_signal()


def _handle_signals() -> None:
    """Make SIGINT and SIGTERM end the demo, even if the shell that started it in the background ignores them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _wait_for_signal() -> None:
    # Libraries have installed their own handlers by now, and an unlimited wait may miss a signal.
    _handle_signals()
    while True:
        time.sleep(0.5)


def _home() -> "tuple[DemoHome, Settings]":
    """Folder and settings of the demo. Raises InvalidSettings before anything is started."""
    from gateways.settings import load_settings

    environ = {name: value for name, value in os.environ.items() if name not in _UNUSED}
    path = (load_settings(environ).data_dir / "demo").absolute()
    return DemoHome(path), load_settings(environ | {"TQS_DATA_DIR": str(path)})


def _progress(home: DemoHome, wish: Wish, seed: int) -> Progress:
    """Progress of earlier starts, or of a new demo. Raises InvalidSettings, NotEnoughData."""
    earlier = home.progress()
    if earlier is None and any(home.path.glob("postgres/*")):
        raise InvalidSettings(
            f"{home.path} contains a demo that cannot be continued: {home.path / 'demo.json'} is missing or damaged. "
            "FRESH=1 (`tqs demo --fresh`) starts over."
        )
    if earlier is not None and earlier.loaded_until and not home.market.exists():
        raise InvalidSettings(
            f"The demo in {home.path} was deleted only in part: its marketplace is missing. "
            "FRESH=1 (`tqs demo --fresh`) starts over."
        )
    if earlier is not None:
        check_same_size(wish, earlier)
        return earlier
    new = first_progress(wish, seed, utc_minute())
    check_disk(home.path, new.size)
    return new


def set_stage(stack: ExitStack, home: DemoHome, progress: Progress) -> DemoStage:
    """Set up the demo's environment, with a mail sink that runs until the end."""
    from cli.services import prefect_environ
    from gateways.settings import load_settings
    from simulator.mail_sink import MailSink

    environ = {name: value for name, value in os.environ.items() if name not in _UNUSED}
    sink = stack.enter_context(MailSink(home.path / "mails"))
    environ |= {"TQS_DATA_DIR": str(home.path), "TQS_SMTP_URL": sink.url, "TQS_MAIL_TO": MAIL_TO}
    environ = prefect_environ(load_settings(environ), environ)
    environ |= _free_ports(load_settings(environ))
    # Flows read the process environment, and Prefect reads it at import.
    for name in _UNUSED:
        os.environ.pop(name, None)
    os.environ.update(environ)
    return DemoStage(load_settings(environ), environ, home, min(utc_minute(), progress.market_end))


def _free_ports(settings: "Settings") -> dict[str, str]:
    """Ports of the API and the dashboard, chosen before any address with them is printed or mailed."""
    from gateways.ports import free_port
    from gateways.prefect_server.access import HOST

    ports = {"TQS_API_PORT": settings.api_port, "TQS_UI_PORT": settings.ui_port}
    return {name: str(free_port(HOST, port)) for name, port in ports.items()}


def _announce(stack: ExitStack, stage: DemoStage) -> "State":
    from cli.demo.running import announced

    return stack.enter_context(announced(stage.home.path, stage.exports))


def _stop_leftovers(home: DemoHome) -> None:
    """Stop services that a killed demo left running, and print their names."""
    from cli.demo.running import read_state
    from cli.processes import stop_group

    state = read_state(home.path)
    alive = {name: one for name, one in state.services.items() if one.is_alive()} if state else {}
    for one in alive.values():
        stop_group(one.pid)
    if alive:
        print(f"Stopped services left running by an interrupted demo: {', '.join(alive)}.", flush=True)


def _start(processes: "Processes", service: "Service", home: DemoHome, state: "State") -> None:
    """Start a service and write its process into the state file."""
    from cli.demo.running import started, write_state

    processes.start(service)
    services = {name: started(process.pid) for name, process in processes.running.items()}
    write_state(home.path, replace(state, services=services))


def _start_services(processes: "Processes", stage: DemoStage, runtime: "Runtime", state: "State") -> "list[Service]":
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
        _start(processes, service, stage.home, state)
    for service in services:
        processes.wait_ready(service, READY_SECONDS)
    return services


def _print_addresses(stage: DemoStage, services: "list[Service]", tracking_uri: str) -> None:
    from cli.demo.addresses import print_addresses

    print_addresses(stage.settings, stage.environ, stage.exports, services, tracking_uri)
