"""MLflow plugin that makes `mlflow run` of this project log to the project's own tracking store."""

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from domain.errors import TutorQualityError
from gateways.embedded_postgres.server import running_database
from gateways.registry.connection import connected
from gateways.registry.runs import experiment_of
from gateways.registry.tracking import EXPERIMENT, artifact_root, own_tracking_uri
from gateways.settings import load_settings

_PROJECT_LINE = "name: tutor-quality-scoring"


class ProjectExperiment:
    """Experiment provider for `mlflow run` of this project (entry point `mlflow.default_experiment_provider`).

    By default `mlflow run .` creates its run in an SQLite file in the working directory, and passes that file on to the
    command it starts. MLflow requests the experiment first: this provider returns the project's experiment and sets the
    tracking URI to its store.
    """

    def in_context(self) -> bool:
        """Whether this process is `mlflow run` of this project without a tracking URI set."""
        return not os.environ.get("MLFLOW_TRACKING_URI") and runs_this_project(sys.argv)

    def get_experiment_id(self) -> str:
        """Id of the project's experiment. Exits with a one-line message if the store cannot be opened."""
        try:
            return self._open()
        except TutorQualityError as error:
            sys.exit(f"mlflow run: {error}")

    def _open(self) -> str:
        settings = load_settings(os.environ)
        held = ExitStack()
        atexit.register(held.close)  # an embedded server that no other process uses stops with `mlflow run`
        uri = own_tracking_uri(held.enter_context(running_database(settings)))
        with connected(uri) as (mlflow, client):
            mlflow.set_tracking_uri(uri)
            return experiment_of(client, EXPERIMENT, artifact_root(settings), None)


def runs_this_project(arguments: Sequence[str]) -> bool:
    """Whether a command line is `mlflow run FOLDER` with this project's MLproject file in the folder."""
    if not arguments or "run" not in arguments[1:] or "mlflow" not in Path(arguments[0]).parts[-2:]:
        return False
    files = (Path(argument, "MLproject") for argument in arguments[1:])
    return any(file.is_file() and _PROJECT_LINE in file.read_text().splitlines() for file in files)
