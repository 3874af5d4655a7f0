"""The tracking store of an installation: where its training runs and model versions are kept."""

from collections.abc import Mapping
from pathlib import Path

from gateways.embedded_postgres.databases import create_database
from gateways.secret_file import kept_secret
from gateways.settings import Settings

EXPERIMENT = "tutor-quality"
AUTH_FILE = "mlflow_auth"
_DATABASE = "mlflow"


def own_tracking_uri(database_url: str) -> str:
    """The tracking store of an installation: a database of MLflow's own beside ours, made if it is not there."""
    return create_database(database_url, _DATABASE)


def artifact_root(settings: Settings) -> Path:
    """The folder in which MLflow keeps the files of its runs."""
    return settings.data_dir / "mlflow"


def pages_sign_in(settings: Settings) -> str:
    """The sign-in of MLflow's pages, `user:password`: TQS_MLFLOW_AUTH, or one made once in the data folder."""
    return settings.mlflow_auth or kept_secret(settings.data_dir / AUTH_FILE, prefix="admin:")


def given_tracking_uri(environ: Mapping[str, str], folder: Path) -> str | None:
    """MLFLOW_TRACKING_URI if a person chose it; None if it is unset or MLflow's default for a working directory.

    `mlflow run` passes its default on to the command it starts, where it looks like a choice.
    """
    uri = environ.get("MLFLOW_TRACKING_URI", "").strip()
    is_default = "MLFLOW_RUN_ID" in environ and uri in _defaults(folder.absolute())
    return None if is_default or not uri else uri


def parent_run(environ: Mapping[str, str], folder: Path) -> str | None:
    """The run that `mlflow run` made for this process, if it lies in the tracking store that is used."""
    return environ.get("MLFLOW_RUN_ID") if given_tracking_uri(environ, folder) else None


def _defaults(folder: Path) -> set[str]:
    return {f"sqlite:///{folder / 'mlflow.db'}", (folder / "mlruns").as_uri()}
