"""A trained model as data: XGBoost's UBJ bytes and a JSON sidecar that says how to use them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import xgboost as xgb
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import ModelMismatch
from domain.vocabulary import AttributeType, Task
from features.as_of.group_priors import GroupPriors
from features.as_of.priors import Priors
from features.base.array_types import Matrix, Values
from features.base.dataset import Attribute, Group
from features.columns.group_rates import column_names
from models.learners import hazard
from models.learners.boosting import margins_of, margins_with
from models.learners.calibration import Calibration, expit
from models.learners.frailty import RATE, Frailty
from models.learners.logistic import Linear
from models.learners.tree_margins import MOST_ROWS, Walk, walk_of
from models.learners.tree_shap import Forest, forest_of


class AttributeSpec(BaseModel):
    """An attribute that the model reads, with its training categories by rising risk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    type: AttributeType
    categories: tuple[str, ...] = ()

    def attribute(self) -> Attribute:
        """Returns the corresponding attribute of a dataset."""
        return Attribute(self.kind, self.name, self.type)


class GroupSpec(BaseModel):
    """A group whose rates the model reads, with the priors toward which they are shrunk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    priors: GroupPriors

    @property
    def group(self) -> Group:
        """Returns the corresponding group of a dataset."""
        return Group(self.kind, self.name)


class Fallback(BaseModel):
    """A smaller model than trees: `step` is what is left, `why` the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    why: str

    def in_words(self) -> str:
        """Returns the fallback as a sentence without a full stop."""
        return f"the model is the {self.step} alone, because {self.why}"


class Sidecar(BaseModel):
    """Everything needed to turn margins into scores, and the origin of the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task
    features: tuple[str, ...]
    attributes: tuple[AttributeSpec, ...]
    groups: tuple[GroupSpec, ...] = ()
    priors: Priors
    linear: Linear | None = None
    calibration: Calibration
    periods: tuple[int, ...] = ()
    horizon: int = 0
    asked: timedelta | None = None
    tutor_calibration: Calibration | None = None
    act_threshold: float | None = None
    fallback: Fallback | None = None
    frailty: Frailty | None = None
    base_rate: float
    typical: tuple[float, ...]
    directions: tuple[int, ...] = ()
    known_before: datetime
    data_fingerprint: str
    features_sha256: str = ""
    params: dict[str, float | int | str] = Field(default_factory=dict)
    model_sha256: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix's columns, in order. A hazard's trees also read the period (`models.learners.hazard`)."""
        of_groups = (name for spec in self.groups for name in column_names(spec.group))
        return (*self.features, *(a.name for a in self.attributes), *of_groups)

    @property
    def sources(self) -> tuple[Group, ...]:
        """Kind and name of each attribute, and of each group, that the model reads."""
        attributes = (Group(a.kind, a.name) for a in self.attributes)
        return tuple(dict.fromkeys((*attributes, *(spec.group for spec in self.groups))))

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizons of the model, in days; empty for the no-show model."""
        return self.periods[1:]


@dataclass(frozen=True)
class Chances:
    """Calibrated probabilities with the 95 % interval of their calibration: (rows,) each."""

    value: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Model:
    """A model ready to predict. Raises ModelMismatch if the bytes are not those the sidecar was written for."""

    ubj: bytes
    sidecar: Sidecar

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.ubj).hexdigest()
        if digest != self.sidecar.model_sha256:
            raise ModelMismatch(
                f"the model's bytes hash to {digest}, recorded is {self.sidecar.model_sha256}: train again"
            )

    @cached_property
    def booster(self) -> xgb.Booster:
        """The trees, read from the bytes."""
        booster = xgb.Booster()
        booster.load_model(bytearray(self.ubj))
        return booster

    def margins(self, matrix: Matrix) -> Values:
        """Returns the uncalibrated log-odds of a matrix (rows, columns): (rows,), or (rows, periods) for a hazard."""
        periods = len(self.sidecar.periods) - 1
        if periods < 1:
            return self._margins(matrix)
        return np.column_stack([self._margins(hazard.with_period(matrix, period)) for period in range(periods)])

    def _margins(self, design: Matrix) -> Values:
        linear, frailty = self.sidecar.linear, self.sidecar.frailty
        if len(design) >= MOST_ROWS:
            margins = margins_of(self.booster, linear, design)
        else:
            margins = margins_with(self._walk.margins(design), linear, design)
        return margins + frailty.shift(margins, design, self.sidecar.columns) if frailty else margins

    @cached_property
    def _walk(self) -> Walk:
        return walk_of(self.booster)

    def chances(self, margins: Values, days: int | None = None) -> Chances:
        """Returns calibrated probabilities of margins; for a hazard, of leaving within `days` (default: its horizon).

        Raises ValueError for days at which no period ends.
        """
        calibration, sidecar = self.sidecar.calibration, self.sidecar
        if not sidecar.periods:
            return Chances(calibration.probability(margins), *calibration.interval(margins))
        within = margins[:, : hazard.periods_within(sidecar.periods, days or sidecar.horizon)]
        ends = (calibration.probability(within), *calibration.interval(within))
        return Chances(*(hazard.leaves_within(hazards) for hazards in ends))

    def probabilities(self, matrix: Matrix) -> Values:
        """Returns calibrated probabilities (rows,); for a hazard, within its horizon."""
        return self.chances(self.margins(matrix)).value

    def contributions(self, matrix: Matrix) -> Values:
        """Returns the contribution of each column, then the base: (rows, columns + 1). Rows sum to calibrated log-odds.

        The linear part is exact; the trees' is TreeSHAP (Lundberg et al. 2020, Nature Machine Intelligence 2:56) as
        XGBoost computes it. A hazard's are the mean over the periods of its horizon, weighted by hazard.
        """
        if not self.sidecar.periods:
            return self._contributions(matrix)
        number = hazard.periods_within(self.sidecar.periods, self.sidecar.horizon)
        parts = [self._contributions(hazard.with_period(matrix, period)) for period in range(number)]
        weights = np.array([expit(part.sum(axis=1)) for part in parts])
        return np.asarray(np.einsum("pr,prc->rc", weights / weights.sum(axis=0), np.array(parts)))

    def _contributions(self, design: Matrix) -> Values:
        """Returns the contributions of a design matrix; that of the period, if any, is part of the base."""
        n, calibration = len(self.sidecar.columns), self.sidecar.calibration
        trees = self._tree_contributions(design)
        columns, base = trees[:, :n], trees[:, n:].sum(axis=1)
        if linear := self.sidecar.linear:
            columns += linear.contributions(design[:, :n])
            base += linear.intercept(design[:, n] if design.shape[1] > n else None)
        if frailty := self.sidecar.frailty:
            margins = base + columns.sum(axis=1)
            columns[:, self.sidecar.columns.index(RATE)] += frailty.shift(margins, design, self.sidecar.columns)
        chord = calibration.chord(base + columns.sum(axis=1), base)
        return np.column_stack([columns * chord[:, None], calibration.log_odds(base)])

    @cached_property
    def _forest(self) -> Forest | None:
        return forest_of(self.booster)

    def _tree_contributions(self, design: Matrix) -> Values:
        """Returns the TreeSHAP values of the trees: compiled where they are shallow enough, otherwise XGBoost's own."""
        if self._forest is not None:
            return self._forest.contributions(design)
        return np.asarray(self.booster.predict(xgb.DMatrix(design), pred_contribs=True, validate_features=False), float)


def seal(booster: xgb.Booster, **sidecar: Any) -> Model:
    """Returns a Model of a booster: its bytes, their hash, and the other fields of the sidecar."""
    ubj = bytes(booster.save_raw("ubj"))
    return Model(ubj, Sidecar(model_sha256=hashlib.sha256(ubj).hexdigest(), **sidecar))
