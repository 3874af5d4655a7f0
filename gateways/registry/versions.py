"""Registry versions kept in line with the ledger, which alone determines the champion."""

import tempfile
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateways.registry.connection import ALIASES, RegisteredVersion, connected

STATE = "ledger"
"""Tag of a version that states whether the ledger has recorded it."""

PENDING, RECORDED = "pending", "recorded"

WHO_DECIDES = (
    "The project's ledger determines which version of {name} serves, not this page. An alias that is moved here "
    "is moved back with the next training or promotion. See the ledger: `tqs models list`. To change what serves: "
    "`tqs models promote {name}/NUMBER`, or `tqs models rollback {name}`."
)
"""Description of a registered model, also shown below the gate's decision on each of its versions."""

ABANDONED = timedelta(hours=1)
"""Age after which a pending version is abandoned: its training has died."""


def attach(tracking_uri: str, registered: RegisteredVersion, files: Mapping[str, str], decision: str) -> None:
    """Add text files to the version's run, and the gate's decision and WHO_DECIDES to the version's description.

    Raises RegistryUnavailable.
    """
    with connected(tracking_uri) as (_, client), tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        client.log_artifacts(registered.run_id, folder)
        description = f"{decision}\n\n{WHO_DECIDES.format(name=registered.name)}"
        client.update_model_version(registered.name, registered.version, description)


def discard(tracking_uri: str, registered: RegisteredVersion, why: str) -> None:
    """Delete a version that is not in the ledger, and tag its run with the reason. Raises RegistryUnavailable."""
    with connected(tracking_uri) as (_, client):
        client.delete_model_version(registered.name, registered.version)
        client.set_tag(registered.run_id, "discarded", why)


def settle(
    tracking_uri: str, name: str, known: Collection[str], aliases: Mapping[str, str | None], now: datetime
) -> None:
    """Synchronize the registry with the ledger: the recorded versions, and the version of each of ALIASES.

    Versions pending for longer than ABANDONED that are not in the ledger are deleted: their training died before it
    could record them. Raises RegistryUnavailable.
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
