"""Addresses and credentials of a running demo, and the environment for other shells."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.steps import console as make_console

if TYPE_CHECKING:
    from cli.processes import Service
    from gateways.settings import Settings


def print_addresses(
    settings: "Settings",
    environ: Mapping[str, str],
    exports: Mapping[str, str],
    services: "list[Service]",
    tracking_uri: str,
) -> None:
    """Print each service's address and credentials, and the variables to export in another shell."""
    from rich.table import Table

    from gateways.api_key import api_key
    from gateways.rails.signatures import incoming
    from gateways.registry import runs_path
    from gateways.registry.tracking import EXPERIMENT, pages_sign_in

    table = Table(title="Running until Ctrl-C", title_justify="left")
    table.add_column("Service")
    table.add_column("Address", no_wrap=True)
    table.add_column("Sign-in", no_wrap=True)
    sign_in = {"api": f"X-API-Key: {api_key(settings)}", "dashboard": _dashboard_sign_in(settings)}
    sign_in |= {"mlflow": pages_sign_in(settings), "prefect": environ["PREFECT_API_AUTH_STRING"]}
    for service in services:
        table.add_row(service.name, service.url, sign_in.get(service.name, "none"))
    make_console().print(table)
    print(f"Secret for signing Rails' events: {incoming(settings).secrets[0]}", flush=True)
    mlflow = next(service for service in services if service.name == "mlflow")
    print(f"MLflow's runs with the relevant columns: {mlflow.url}{runs_path(tracking_uri, EXPERIMENT)}", flush=True)
    print(
        "`tqs` in another shell finds this demo automatically in this folder. Elsewhere, and for other programs, run:"
    )
    print(f"  export {' '.join(f'{name}={shlex.quote(value)}' for name, value in exports.items())}", flush=True)


def _dashboard_sign_in(settings: "Settings") -> str:
    from ui.access.sign_in import credentials

    ((user, password),) = credentials(settings.data_dir).items()
    return f"{user} / {password}"
