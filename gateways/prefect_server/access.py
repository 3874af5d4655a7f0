"""Access to the Prefect server: address, credentials, and the environment that makes the server require them.

Anyone who reaches Prefect's API without credentials can change a deployment's pull steps and so run any shell command.
This module does not import Prefect, which reads these variables at import.
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
"""Variables that disable Prefect's telemetry."""


def auth_string(settings: Settings) -> str:
    """Credentials of the Prefect server, `user:password`: TQS_PREFECT_AUTH, or generated once in the data folder."""
    return settings.prefect_auth or kept_secret(settings.data_dir / AUTH_FILE, prefix="admin:")


def client_environ(settings: Settings, port: int) -> dict[str, str]:
    """Environment for flows and schedules that use the Prefect server at a local port."""
    return {
        **QUIET,
        "PREFECT_HOME": _home(settings),
        "PREFECT_API_URL": f"http://{HOST}:{port}/api",
        "PREFECT_API_AUTH_STRING": auth_string(settings),
    }


def server_environ(settings: Settings, port: int) -> dict[str, str]:
    """Environment of the Prefect server at a local port: it requires the credentials and rejects other origins."""
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
