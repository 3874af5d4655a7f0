"""A model with the version that its scores carry."""

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
    """A champion or challenger: the model and its version in ledger, registry and scores."""

    model: Model
    version: str

    @property
    def key(self) -> tuple[str, str]:
        """Version and SHA-256, to detect a change of champion."""
        return self.version, self.model.sidecar.model_sha256

    @cached_property
    def columns(self) -> Columns:
        """Columns with which a session or tutor can be described."""
        return columns_of(self.model.sidecar)


def open_model(version: str, model_bytes: bytes, sidecar: Mapping[str, Any]) -> Champion:
    """Open a stored model.

    Raises ModelMismatch unless the sidecar belongs to the bytes and this version can read it.
    """
    try:
        read = Sidecar.model_validate(sidecar)
    except ValidationError as error:
        fields = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors()}))
        raise ModelMismatch(f"{version} was made by another version, which differs in {fields}: train again") from error
    return Champion(Model(model_bytes, read), version)
