"""Versions of the registry beside our ledger, which alone says what serves: marked, aliased, and swept up."""

import tempfile
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateways.registry.connection import ALIASES, RegisteredVersion, connected

STATE = "ledger"
"""The tag of a version that tells whether our ledger knows it."""

PENDING, RECORDED = "pending", "recorded"

WHO_DECIDES = (
    "Which version of {name} serves is decided by the project's ledger, not on this page. An alias that is moved here "
    "is moved back with the next training or promotion. See the ledger: `tqs models list`. To change what serves: "
    "`tqs models promote {name}/NUMBER`, or `tqs models rollback {name}`."
)
"""Shown as the description of a registered model, and below the gate's decision on each of its versions."""

ABANDONED = timedelta(hours=1)
"""A version pending for longer has lost the training that made it."""


def attach(tracking_uri: str, registered: RegisteredVersion, files: Mapping[str, str], decision: str) -> None:
    """Put texts by file name beside the version's run, and the decision and who decides into the version's description.

    Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client), tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        client.log_artifacts(registered.run_id, folder)
        description = f"{decision}\n\n{WHO_DECIDES.format(name=registered.name)}"
        client.update_model_version(registered.name, registered.version, description)


def discard(tracking_uri: str, registered: RegisteredVersion, why: str) -> None:
    """Delete a version that our ledger does not know, and say on its run why. Raises RegistryUnavailable."""
    with connected(tracking_uri) as (_, client):
        client.delete_model_version(registered.name, registered.version)
        client.set_tag(registered.run_id, "discarded", why)


def settle(
    tracking_uri: str, name: str, known: Collection[str], aliases: Mapping[str, str | None], now: datetime
) -> None:
    """Bring the registry to what the ledger says: which versions it knows, and which has each of ALIASES.

    Versions long pending that the ledger does not know are deleted: the training that made them died before it could
    write there. Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client):
        if not client.search_registered_models(f"name = '{name}'", max_results=1):
            return
        for made in client.search_model_versions(f"name = '{name}' AND tag.`{STATE}` = '{PENDING}'"):
            _settle_version(client, made, known, now)
        for alias in ALIASES:
            _point(client, name, alias, aliases.get(alias))


def _settle_version(client: Any, made: Any, known: Collection[str], now: datetime) -> None:
    if str(made.version) in known:
        client.set_model_version_tag(made.name, made.version, STATE, RECORDED)
    elif now.timestamp() * 1e3 - made.creation_timestamp > ABANDONED.total_seconds() * 1e3:
        client.delete_model_version(made.name, made.version)


def _point(client: Any, name: str, alias: str, version: str | None) -> None:
    now_at = client.get_registered_model(name).aliases.get(alias)
    if version is None and now_at is not None:
        client.delete_registered_model_alias(name, alias)
    elif version is not None and str(now_at) != version:
        client.set_registered_model_alias(name, alias, version)
