"""How MLflow is reached: imported late, told to keep quiet, and given up on in time."""

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
        "MLFLOW_DISABLE_TELEMETRY": "true",  # read while it is imported
        "MLFLOW_UV_AUTO_DETECT": "false",  # or it copies the lock file of whatever folder we stand in
    }
)
# Left to itself, MLflow asks a server that went away for four minutes before it says so.
_PATIENCE = MappingProxyType({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"})


@dataclass(frozen=True)
class RegisteredVersion:
    """A model in the registry: the task's name, its version there, and the run that made it."""

    name: str
    version: str
    run_id: str

    @property
    def shown(self) -> str:
        """The version as ledger and scores write it."""
        return f"{self.name}/{self.version}"


def prepare(tracking_uri: str) -> None:
    """Make or migrate MLflow's tables, which takes seconds in a fresh database; later calls only look.

    MLflow migrates with Alembic, whose context is one to a process: do not run another migration beside it in a
    thread. Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client):
        client.search_experiments(max_results=1)


def import_mlflow() -> Any:
    """MLflow, imported late: it must first be told to keep quiet, and takes seconds not every flow should pay."""
    os.environ.update(_QUIET)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about type hints in its own code
        import mlflow
        import mlflow.pyfunc
        import mlflow.xgboost
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # uv's environments have no pip
    return mlflow


@contextmanager
def connected(tracking_uri: str) -> Iterator[tuple[Any, Any]]:
    """MLflow and its client at an address, for the length of a block. Raises RegistryUnavailable."""
    mlflow = import_mlflow()
    check_reachable(tracking_uri)
    try:
        yield mlflow, mlflow.MlflowClient(tracking_uri)
    except (mlflow.MlflowException, ConnectionError) as error:
        said = getattr(error, "message", None) or str(error)
        raise RegistryUnavailable(f"MLflow at {shown(tracking_uri)} failed or refused: {said}") from error


@contextmanager
def tracking(mlflow: ModuleType, tracking_uri: str) -> Iterator[None]:
    """MLflow logs models through a process-wide setting, and changes its variables on the way: undo both after."""
    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID")}
    mlflow.set_tracking_uri(tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"])
        os.environ.update({name: value for name, value in before.items() if value is not None})
