"""Tracking store of an installation, with its training runs and model versions."""

from collections.abc import Mapping
from pathlib import Path

from gateways.embedded_postgres.databases import create_database
from gateways.secret_file import kept_secret
from gateways.settings import Settings

EXPERIMENT = "tutor-quality"
AUTH_FILE = "mlflow_auth"
_DATABASE = "mlflow"


def own_tracking_uri(database_url: str) -> str:
    """URI of the installation's tracking store: a separate database on the same server, created if missing."""
    return create_database(database_url, _DATABASE)


def artifact_root(settings: Settings) -> Path:
    """Folder for the artifacts of MLflow's runs."""
    return settings.data_dir / "mlflow"


def pages_sign_in(settings: Settings) -> str:
    """Credentials of MLflow's pages, `user:password`: TQS_MLFLOW_AUTH, or generated once in the data folder."""
    return settings.mlflow_auth or kept_secret(settings.data_dir / AUTH_FILE, prefix="admin:")


def given_tracking_uri(environ: Mapping[str, str], folder: Path) -> str | None:
    """MLFLOW_TRACKING_URI if a user set it; None if it is unset or MLflow's default for a working directory.

    `mlflow run` passes its default on to the command it starts, where it looks like the user's choice.
    """
    uri = environ.get("MLFLOW_TRACKING_URI", "").strip()
    is_default = "MLFLOW_RUN_ID" in environ and uri in _defaults(folder.absolute())
    return None if is_default or not uri else uri


def parent_run(environ: Mapping[str, str], folder: Path) -> str | None:
    """Id of the run that `mlflow run` created for this process, if it is in the tracking store in use."""
    return environ.get("MLFLOW_RUN_ID") if given_tracking_uri(environ, folder) else None


def _defaults(folder: Path) -> set[str]:
    return {f"sqlite:///{folder / 'mlflow.db'}", (folder / "mlruns").as_uri()}
