"""Prefect settings for authentication of flows at their server."""

from typing import Any

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
)
from prefect.settings.legacy import Setting

from gateways.prefect_server.access import auth_string, client_environ
from gateways.settings import Settings


def server_access(settings: Settings) -> dict[Setting, Any]:
    """Address and credentials of the Prefect server; Prefect's own settings take precedence."""
    environ = client_environ(settings, settings.prefect_port)
    return {
        PREFECT_API_URL: PREFECT_API_URL.value() or environ["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: PREFECT_API_AUTH_STRING.value() or environ["PREFECT_API_AUTH_STRING"],
    }


def run_access(settings: Settings) -> dict[Setting, Any]:
    """Credentials for the server at PREFECT_API_URL, for one flow run by hand."""
    return {PREFECT_API_AUTH_STRING: PREFECT_API_AUTH_STRING.value() or auth_string(settings)}
