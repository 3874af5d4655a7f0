"""Reachability check of a tracking URI, made before MLflow, which would retry for minutes."""

from contextlib import closing
from socket import create_connection
from urllib.parse import urlsplit

import psycopg2

from domain.errors import RegistryUnavailable

_PATIENCE = 5  # seconds
_PORTS = {"http": 80, "https": 443}


def check_reachable(tracking_uri: str, seconds: int = _PATIENCE) -> None:
    """Raise RegistryUnavailable if the server or database of a tracking URI does not respond; file URIs always pass."""
    parts = urlsplit(tracking_uri)
    try:
        if parts.scheme.startswith("postgresql"):
            plain = parts._replace(scheme="postgresql").geturl()
            with closing(psycopg2.connect(plain, connect_timeout=seconds)):
                return
        if parts.scheme in _PORTS:
            with create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), timeout=seconds):
                return
    except (OSError, psycopg2.OperationalError) as error:
        raise RegistryUnavailable(
            f"MLflow at {shown(tracking_uri)} does not respond: {str(error).strip()}. "
            "Start it, or set MLFLOW_TRACKING_URI to a running one."
        ) from error


def shown(uri: str) -> str:
    """A URI without its user and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
