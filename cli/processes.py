"""Child processes of the demo: start with a log file each, readiness over HTTP, joint stop."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from domain.errors import TutorQualityError

STOP_SECONDS = 10.0
POLL_SECONDS = 0.25


class ServiceFailed(TutorQualityError):
    """A service did not start."""


@dataclass(frozen=True)
class Service:
    """A service to run: command, environment, and the address that returns a status below 500 once it is ready."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    url: str
    ready_path: str = "/"


@dataclass
class Processes:
    """Running services. Each leads its own process group, so that its workers stop with it."""

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, service: Service) -> None:
        """Start a service; its output is written to its own file in the log folder."""
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.logs / f"{service.name}.log", "wb", opener=_private) as log:
            self.running[service.name] = subprocess.Popen(
                service.command,
                env=dict(service.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self, service: Service, seconds: float) -> None:
        """Wait until the service responds. Raises ServiceFailed naming its log file if it ends or does not respond."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.running[service.name].poll() is not None:
                raise ServiceFailed(f"{service.name} ended during the start: see {self.logs / service.name}.log")
            if _answers(service.url + service.ready_path):
                return
            time.sleep(POLL_SECONDS)
        raise ServiceFailed(
            f"{service.name} did not respond at {service.url} in {seconds:.0f} s: see {self.logs / service.name}.log"
        )

    def stop(self) -> None:
        """Send SIGINT to every group, then SIGKILL to those that do not end."""
        for process in self.running.values():
            _signal_group(process, signal.SIGINT)
        until = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()
        for process in self.running.values():  # workers that outlived their leader
            _signal_group(process, signal.SIGKILL)
        self.running.clear()


def stop_group(leader: int) -> None:
    """Stop a process group that an earlier command started: SIGINT, then SIGKILL."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(leader, number)
        until = time.monotonic() + STOP_SECONDS
        while _has_members(leader) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).status_code < 500
    except httpx.HTTPError:
        return False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
