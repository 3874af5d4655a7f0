"""A trained model as data: XGBoost's UBJ bytes and a JSON sidecar that says how to use them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from domain.errors import ModelMismatch
from domain.vocabulary import AttributeType, Task
from features.dataset import Attribute
from features.priors import Priors
from models.calibration import Calibration

Matrix = NDArray[np.float32]


class AttributeSpec(BaseModel):
    """An attribute the model reads, with the categories it was trained on, by rising risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    type: AttributeType
    categories: tuple[str, ...] = ()

    def attribute(self) -> Attribute:
        """The dataset's attribute it stands for."""
        return Attribute(self.kind, self.name, self.type)


class Sidecar(BaseModel):
    """All that turns a margin into a score, and tells where the model comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task
    features: tuple[str, ...]
    attributes: tuple[AttributeSpec, ...]
    priors: Priors
    calibration: Calibration
    tutor_calibration: Calibration | None = None
    base_rate: float
    typical: tuple[float, ...]
    known_before: datetime
    data_fingerprint: str
    model_sha256: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix's columns, in order."""
        return self.features + tuple(a.name for a in self.attributes)


@dataclass(frozen=True)
class Model:
    """A model ready to predict. Raises ModelMismatch if the bytes are not those the sidecar was written for."""

    ubj: bytes
    sidecar: Sidecar

    def __post_init__(self) -> None:
        found = hashlib.sha256(self.ubj).hexdigest()
        if found != self.sidecar.model_sha256:
            raise ModelMismatch(
                f"the model's bytes hash to {found}, recorded is {self.sidecar.model_sha256}: train again"
            )

    @cached_property
    def booster(self) -> xgb.Booster:
        """The trees, read from the bytes."""
        booster = xgb.Booster()
        booster.load_model(bytearray(self.ubj))
        return booster

    def margins(self, matrix: Matrix) -> NDArray[np.float64]:
        """Uncalibrated log-odds (rows,) of a matrix (rows, columns)."""
        found = self.booster.inplace_predict(matrix, predict_type="margin", validate_features=False)
        return np.asarray(found, dtype=np.float64).reshape(len(matrix))

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """TreeSHAP values (rows, columns + 1), the last the base; each row sums to its calibrated log-odds.

        Source: Lundberg et al. 2020, Nature Machine Intelligence 2:56, as XGBoost computes it.
        """
        raw = self.booster.predict(xgb.DMatrix(matrix), pred_contribs=True, validate_features=False)
        scaled: NDArray[np.float64] = raw.astype(np.float64) * self.sidecar.calibration.slope
        scaled[:, -1] += self.sidecar.calibration.intercept
        return scaled

    def probabilities(self, matrix: Matrix) -> NDArray[np.float64]:
        """Calibrated probabilities (rows,)."""
        return self.sidecar.calibration.probability(self.margins(matrix))


def seal(booster: xgb.Booster, **sidecar: Any) -> Model:
    """A Model of a fresh booster: its bytes, hashed, with the rest of the sidecar's fields."""
    ubj = bytes(booster.save_raw("ubj"))
    return Model(ubj, Sidecar(model_sha256=hashlib.sha256(ubj).hexdigest(), **sidecar))
