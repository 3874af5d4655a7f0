"""Plugin of MLflow: `mlflow run` of this project logs to the project's own tracking store."""

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
    """The experiment of `mlflow run` here (entry point `mlflow.default_experiment_provider`).

    Left to itself, `mlflow run .` makes its run in an SQLite file of the working directory, and passes that file on to
    the command it starts. MLflow asks for the experiment first: the answer names ours, and sets the tracking URI to the
    store that holds it.
    """

    def in_context(self) -> bool:
        """Whether this process is `mlflow run` of this project, with no tracking URI chosen."""
        return not os.environ.get("MLFLOW_TRACKING_URI") and runs_this_project(sys.argv)

    def get_experiment_id(self) -> str:
        """The id of our experiment. Ends the process with one sentence where the store cannot be opened."""
        try:
            return self._open()
        except TutorQualityError as error:
            sys.exit(f"mlflow run: {error}")

    def _open(self) -> str:
        settings = load_settings(os.environ)
        held = ExitStack()
        atexit.register(held.close)  # an embedded server that nobody else uses stops with `mlflow run`
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
