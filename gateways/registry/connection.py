"""Connection to MLflow: late import, telemetry off, short timeouts."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

from domain.errors import RegistryUnavailable
from gateways.registry.reachability import check_reachable, shown

ALIASES = ("champion", "challenger")

_QUIET = MappingProxyType(
    {
        "MLFLOW_DISABLE_TELEMETRY": "true",  # read at import
        "MLFLOW_UV_AUTO_DETECT": "false",  # otherwise it copies the lock file of the working directory
    }
)
# By default MLflow retries an unavailable server for four minutes before it reports an error.
_PATIENCE = MappingProxyType({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"})


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered model version: task name, version number, and the run that created it."""

    name: str
    version: str
    run_id: str

    @property
    def shown(self) -> str:
        """Version as written in the ledger and in scores, such as `no_show/7`."""
        return f"{self.name}/{self.version}"


def prepare(tracking_uri: str) -> None:
    """Create or migrate MLflow's tables, which takes seconds in a new database; later calls only check.

    MLflow migrates with Alembic, which has one context per process: do not run another migration in a thread at the
    same time. Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client):
        client.search_experiments(max_results=1)


def import_mlflow() -> Any:
    """Import MLflow late: its variables must be set before, and the import takes seconds that not every flow needs."""
    os.environ.update(_QUIET)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about type hints in MLflow's own code
        import mlflow
        import mlflow.pyfunc
        import mlflow.xgboost
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # environments made by uv have no pip
    return mlflow


@contextmanager
def connected(tracking_uri: str) -> Iterator[tuple[Any, Any]]:
    """MLflow and a client for a tracking URI, for a `with` block. Raises RegistryUnavailable."""
    mlflow = import_mlflow()
    check_reachable(tracking_uri)
    try:
        yield mlflow, mlflow.MlflowClient(tracking_uri)
    except (mlflow.MlflowException, ConnectionError) as error:
        reason = getattr(error, "message", None) or str(error)
        raise RegistryUnavailable(f"MLflow at {shown(tracking_uri)} failed: {reason}") from error


@contextmanager
def tracking(mlflow: ModuleType, tracking_uri: str) -> Iterator[None]:
    """Set MLflow's process-wide tracking URI for a `with` block, then restore it and the variables MLflow changes."""
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID")}
    mlflow.set_tracking_uri(tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"])
        os.environ.update({name: value for name, value in before.items() if value is not None})
