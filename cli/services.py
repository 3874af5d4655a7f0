"""The services of the demo: how each is started, on which port, and that none of them calls home."""

import sys
from collections.abc import Mapping

from cli.processes import Service, free_port
from gateways.prefect_server.access import client_environ
from gateways.settings import Settings

QUIET: Mapping[str, str] = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""Nothing is sent to anyone, and only warnings are printed."""


def prefect_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which flows and the server itself find the port and the sign-in of the demo's Prefect."""
    port = free_port(settings.prefect_port)
    return {**environ, **QUIET, **client_environ(settings, port), "TQS_PREFECT_PORT": str(port)}


def prefect_service(environ: Mapping[str, str]) -> Service:
    """The Prefect server at the address the environment names; its own SQLite, as the embedded server lacks pg_trgm."""
    url = environ["PREFECT_API_URL"].removesuffix("/api")
    return Service("prefect", [sys.executable, "-m", "flows.server"], environ, url, "/api/health")


def mlflow_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """MLflow's pages over the tracking database."""
    port = free_port(settings.mlflow_port)
    command = [sys.executable, "-m", "gateways.registry.server"]
    own = {**environ, **QUIET, "TQS_MLFLOW_PORT": str(port)}
    return Service("mlflow", command, own, f"http://127.0.0.1:{port}", "/health")


def api_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """The BentoML service."""
    port = free_port(settings.api_port)
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:TutorQuality", "--host", "127.0.0.1"]
    home = {"BENTOML_HOME": str(settings.data_dir.absolute() / "bentoml")}
    return Service(
        "api", [*command, "--port", str(port)], {**environ, **home}, f"http://127.0.0.1:{port}", "/api/ready"
    )


def dashboard_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """The Panel app."""
    port = free_port(settings.ui_port)
    command = [sys.executable, "-m", "ui"]
    return Service("dashboard", command, {**environ, "TQS_UI_PORT": str(port)}, f"http://127.0.0.1:{port}")


def worker_service(environ: Mapping[str, str]) -> Service:
    """What brings scores up to date as events come in, and sends our webhooks; it answers nowhere."""
    return Service("worker", [sys.executable, "-m", "cli", "worker"], environ, "")


def schedules_service(environ: Mapping[str, str]) -> Service:
    """Every flow on its schedule; it answers nowhere."""
    return Service("schedules", [sys.executable, "-m", "flows.schedules"], environ, "")
