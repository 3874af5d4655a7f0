"""Column selection of MLflow's table of runs, stored so that a link opens the table with it.

MLflow 3.17 opens every experiment with source, models and dataset as its only columns, whatever was logged; that is
hard-coded in its page. Its Share button stores a view as a tag of the experiment, under a key in the page's address.
This module writes such a tag, and one that marks the experiment as being about models, not prompts.
"""

import json
from typing import Any

from gateways.registry.connection import connected

VIEW = "tutor-quality"
_TAG = f"mlflow.sharedViewState.{VIEW}"
_COLUMNS = (  # few, since the page sorts columns of a kind by name and scrolls the rest out of sight
    ("metrics", ("ceiling/roc_auc", "ece", "pr_auc", "roc_auc", "roc_auc.low")),
    ("params", ("n_train", "n_test")),
    ("tags", ("task",)),
)


def offer_view(client: Any, experiment_id: str) -> None:
    """Store the column selection on an experiment."""
    state = {"selectedColumns": [f"{kind}.`{name}`" for kind, names in _COLUMNS for name in names]}
    client.set_experiment_tag(experiment_id, _TAG, json.dumps(state))
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")


def runs_path(tracking_uri: str, experiment: str) -> str:
    """Path and fragment, relative to MLflow's pages, of the table of runs with the stored columns.

    Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client):
        stored = client.get_experiment_by_name(experiment)
    if stored is None:
        return "/"
    return f"/#/experiments/{stored.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"
