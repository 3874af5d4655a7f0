"""The columns the table of runs should show, kept in MLflow so that a link opens it with them.

MLflow 3.17 opens every experiment with source, models and dataset as its only columns, whatever was logged; that is
written into its page. What a person shares with its Share button is kept as a tag of the experiment, under a key that
the page's address names. We write such a tag, and one that says that the experiment is about models, not prompts.
"""

import json
from typing import Any

from gateways.registry.connection import connected

VIEW = "tutor-quality"
_TAG = f"mlflow.sharedViewState.{VIEW}"
_COLUMNS = (  # few, as the page puts those of a kind in the order of their names, and the rest out of sight
    ("metrics", ("ceiling/roc_auc", "ece", "pr_auc", "roc_auc", "roc_auc.low")),
    ("params", ("n_train", "n_test")),
    ("tags", ("task",)),
)


def offer_view(client: Any, experiment_id: str) -> None:
    """Keep our choice of columns with an experiment."""
    state = {"selectedColumns": [f"{kind}.`{name}`" for kind, names in _COLUMNS for name in names]}
    client.set_experiment_tag(experiment_id, _TAG, json.dumps(state))
    client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")


def runs_path(tracking_uri: str, experiment: str) -> str:
    """The path and fragment, after the address of MLflow's pages, of the table of runs with our columns.

    Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client):
        found = client.get_experiment_by_name(experiment)
    if found is None:
        return "/"
    return f"/#/experiments/{found.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"
