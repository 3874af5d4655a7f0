"""Access to the Prefect server: its address, its sign-in, and the environment that makes the server ask for it.

Whoever reaches Prefect's API without a sign-in can change a deployment's pull steps and so run any shell command.
Nothing here imports Prefect, which reads these variables when it is imported.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateways.secret_file import kept_secret
from gateways.settings import Settings

AUTH_FILE = "prefect_auth"
HOST = "127.0.0.1"
QUIET: Mapping[str, str] = MappingProxyType(
    {
        "DO_NOT_TRACK": "1",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
)
"""Prefect's telemetry, switched off."""


def auth_string(settings: Settings) -> str:
    """The sign-in of the Prefect server, `user:password`: TQS_PREFECT_AUTH, or one made once in the data folder."""
    return settings.prefect_auth or kept_secret(settings.data_dir / AUTH_FILE, prefix="admin:")


def client_environ(settings: Settings, port: int) -> dict[str, str]:
    """Environment in which flows and schedules use the Prefect server at a port of this machine."""
    return {
        **QUIET,
        "PREFECT_HOME": _home(settings),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_API_AUTH_STRING": auth_string(settings),
    }


def server_environ(settings: Settings, port: int) -> dict[str, str]:
    """Environment of the Prefect server at a port: it asks for the sign-in and answers no other origin's pages."""
    return {
        **QUIET,
        "PREFECT_HOME": _home(settings),
        "PREFECT_SERVER_API_AUTH_STRING": auth_string(settings),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port},http://localhost:{port}",
        "PREFECT_SERVER_CORS_ALLOWED_METHODS": "GET,POST,PUT,PATCH,DELETE",
        "PREFECT_SERVER_CORS_ALLOWED_HEADERS": "Authorization,Content-Type,X-Prefect-UI",
        "PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api",
    }


def _home(settings: Settings) -> str:
    return str(settings.data_dir.absolute() / "prefect")
