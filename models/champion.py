"""A model under the version that scores name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.artifact import Model, Sidecar


@dataclass(frozen=True)
class Champion:
    """A model that serves, or would: the trees and the version by which ledger, registry and scores know it."""

    model: Model
    version: str

    @property
    def key(self) -> tuple[str, str]:
        """Version and SHA-256, which tell whether another serves now."""
        return self.version, self.model.sidecar.model_sha256


def open_model(version: str, model_bytes: bytes, sidecar: Mapping[str, Any]) -> Champion:
    """What the store keeps, as a model. Raises ModelMismatch unless the bytes are those the sidecar was written for."""
    return Champion(Model(model_bytes, Sidecar.model_validate(sidecar)), version)
