"""Prefect settings with which flows sign in to the server they use."""

import secrets
from typing import Any

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_SERVER_API_AUTH_STRING,
    PREFECT_SERVER_CORS_ALLOWED_ORIGINS,
)
from prefect.settings.legacy import Setting

from gateways.prefect_access import HOST, auth_string, client_environ
from gateways.settings import Settings


def server_access(settings: Settings) -> dict[Setting, Any]:
    """Address and sign-in of the Prefect server; what Prefect's own settings already name is left as it is."""
    environ = client_environ(settings, settings.prefect_port)
    return {
        PREFECT_API_URL: PREFECT_API_URL.value() or environ["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: PREFECT_API_AUTH_STRING.value() or environ["PREFECT_API_AUTH_STRING"],
    }


def run_access(settings: Settings) -> dict[Setting, Any]:
    """Sign-in for one flow run by hand: at the server PREFECT_API_URL names, else at one started for this run.

    The server of one run gets a password of its own, which no file keeps.
    """
    if PREFECT_API_URL.value():
        return {PREFECT_API_AUTH_STRING: PREFECT_API_AUTH_STRING.value() or auth_string(settings)}
    password = secrets.token_urlsafe(24)
    return {
        PREFECT_API_AUTH_STRING: password,
        PREFECT_SERVER_API_AUTH_STRING: password,
        PREFECT_SERVER_CORS_ALLOWED_ORIGINS: f"http://{HOST}",  # it serves no pages
    }
