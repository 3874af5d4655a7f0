"""MLflow's web pages on loopback behind a sign-in (`python -m gateways.registry.server`)."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn

from domain.errors import InvalidSettings, TutorQualityError
from gateways.embedded_postgres.server import running_database
from gateways.ports import check_port
from gateways.private_files import keep_files_private
from gateways.registry.connection import import_mlflow
from gateways.registry.tracking import artifact_root, given_tracking_uri, own_tracking_uri, pages_sign_in
from gateways.settings import Settings, load_settings
from gateways.sign_in_guard import SignInGuard

HOST = "127.0.0.1"
OPEN_PATHS = ("/health",)


def main(environ: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM; a user error is printed as one line."""
    keep_files_private()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with SIGINT ignored
    try:
        settings = load_settings(environ)
        check_port(HOST, settings.mlflow_port, "TQS_MLFLOW_PORT")
        with running_database(settings) as url:
            uri = _database(given_tracking_uri(environ, Path.cwd()) or own_tracking_uri(url))
            uvicorn.run(_guarded(settings, uri), host=HOST, port=settings.mlflow_port, log_level="warning")
    except TutorQualityError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _database(uri: str) -> str:
    if uri.startswith("http"):
        raise InvalidSettings(f"MLFLOW_TRACKING_URI: a server already runs at {uri} and serves the pages")
    return uri


def _guarded(settings: Settings, uri: str) -> Any:
    """MLflow's application behind the sign-in.

    `mlflow server` would expose the store's password in the process list, and start processes of its own. It passes
    its arguments to the application in these variables, which are read when the application is imported.
    """
    import_mlflow()
    from mlflow.server import constants

    root = str(artifact_root(settings).absolute())
    os.environ |= {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        constants.BACKEND_STORE_URI_ENV_VAR: uri,
        constants.REGISTRY_STORE_URI_ENV_VAR: uri,
        constants.ARTIFACT_ROOT_ENV_VAR: root,
    }
    # Without a list, MLflow accepts every host name of private networks.
    port = settings.mlflow_port
    os.environ.setdefault("MLFLOW_SERVER_ALLOWED_HOSTS", f"{HOST}:{port},localhost:{port}")
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(uri, uri, root)
    return SignInGuard(app, pages_sign_in(settings), OPEN_PATHS)


if __name__ == "__main__":
    main(os.environ)
