"""A model under the version that scores name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from domain.errors import ModelMismatch
from models.artifact.described_rows import Columns, columns_of
from models.artifact.model import Model, Sidecar


@dataclass(frozen=True)
class Champion:
    """A model that serves, or would: the trees and the version by which ledger, registry and scores know it."""

    model: Model
    version: str

    @property
    def key(self) -> tuple[str, str]:
        """Version and SHA-256, which tell whether another serves now."""
        return self.version, self.model.sidecar.model_sha256

    @cached_property
    def columns(self) -> Columns:
        """What the model can be told of a session or tutor."""
        return columns_of(self.model.sidecar)


def open_model(version: str, model_bytes: bytes, sidecar: Mapping[str, Any]) -> Champion:
    """What the store keeps, as a model.

    Raises ModelMismatch unless the bytes are those the sidecar was written for, and it is one this version reads.
    """
    try:
        read = Sidecar.model_validate(sidecar)
    except ValidationError as error:
        fields = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        raise ModelMismatch(f"{version} was made by another version, which differs in {fields}: train again") from error
    return Champion(Model(model_bytes, read), version)
