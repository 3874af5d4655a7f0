"""Services of the demo: commands, ports, and environment without telemetry."""

import sys
from collections.abc import Mapping

from cli.processes import Service
from gateways.ports import free_port
from gateways.prefect_server.access import HOST, client_environ
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
"""Variables that disable telemetry and informational output."""


def prefect_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Environment with the port and credentials of the demo's Prefect, for flows and the server."""
    port = free_port(HOST, settings.prefect_port)
    return {**environ, **QUIET, **client_environ(settings, port), "TQS_PREFECT_PORT": str(port)}


def prefect_service(environ: Mapping[str, str]) -> Service:
    """Prefect server at the environment's address; it uses SQLite, since the embedded PostgreSQL lacks pg_trgm."""
    url = environ["PREFECT_API_URL"].removesuffix("/api")
    return Service("prefect", [sys.executable, "-m", "flows.server"], environ, url, "/api/health")


def mlflow_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """MLflow's web pages on the tracking database."""
    port = free_port(HOST, settings.mlflow_port)
    command = [sys.executable, "-m", "gateways.registry.server"]
    own = {**environ, **QUIET, "TQS_MLFLOW_PORT": str(port)}
    return Service("mlflow", command, own, f"http://127.0.0.1:{port}", "/health")


def api_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """The BentoML service."""
    port = free_port(HOST, settings.api_port)
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:TutorQuality", "--host", "127.0.0.1"]
    home = {"BENTOML_HOME": str(settings.data_dir.absolute() / "bentoml")}
    return Service(
        "api", [*command, "--port", str(port)], {**environ, **home}, f"http://127.0.0.1:{port}", "/api/ready"
    )


def dashboard_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """The Panel app."""
    port = free_port(HOST, settings.ui_port)
    command = [sys.executable, "-m", "ui"]
    return Service("dashboard", command, {**environ, "TQS_UI_PORT": str(port)}, f"http://127.0.0.1:{port}")


def worker_service(environ: Mapping[str, str]) -> Service:
    """Worker that updates scores as events arrive and sends webhooks; it has no address."""
    return Service("worker", [sys.executable, "-m", "cli", "worker"], environ, "")


def schedules_service(environ: Mapping[str, str]) -> Service:
    """Server of all scheduled flows; it has no address."""
    return Service("schedules", [sys.executable, "-m", "flows.schedules"], environ, "")
