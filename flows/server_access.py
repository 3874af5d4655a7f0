"""Prefect settings with which flows sign in to the server they use."""

from typing import Any

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
)
from prefect.settings.legacy import Setting

from gateways.prefect_server.access import auth_string, client_environ
from gateways.settings import Settings


def server_access(settings: Settings) -> dict[Setting, Any]:
    """Address and sign-in of the Prefect server; what Prefect's own settings already name is left as it is."""
    environ = client_environ(settings, settings.prefect_port)
    return {
        PREFECT_API_URL: PREFECT_API_URL.value() or environ["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: PREFECT_API_AUTH_STRING.value() or environ["PREFECT_API_AUTH_STRING"],
    }


def run_access(settings: Settings) -> dict[Setting, Any]:
    """Sign-in at the server that PREFECT_API_URL names, for one flow run by hand."""
    return {PREFECT_API_AUTH_STRING: PREFECT_API_AUTH_STRING.value() or auth_string(settings)}
