"""Result of a drift check and the decision that follows from it."""

from dataclasses import dataclass
from enum import StrEnum

MIN_ROWS = 1000
"""Fewest rows per window. Below it, sampling noise alone can exceed the threshold: the 99th percentile of the distance
between two samples of one distribution was measured as 0.08 at 1,000 rows and 0.11 at 500."""

MISSING_CHANGE = 0.20
"""Change in the share of missing values that calls for a check of the data before any training on it."""

RETRAIN_SHARE = 0.30
"""Share of drifted columns from which the model is retrained."""


class DriftDecision(StrEnum):
    """Outcome of a drift check: keep the model, look at the data, or retrain."""

    KEEP = "keep"
    LOOK = "look"
    RETRAIN = "retrain"


@dataclass(frozen=True)
class ColumnDrift:
    """Drift of one column: distance from the reference, its threshold, and the change as a phrase.

    `growing` columns rise with the calendar: they are shown and never counted. The missing shares are in 0..1.
    """

    column: str
    score: float
    threshold: float
    change: str
    missing_before: float
    missing_now: float
    growing: bool = False

    @property
    def drifted(self) -> bool:
        """Whether the distance exceeds the threshold."""
        return self.score > self.threshold

    @property
    def missing_moved(self) -> bool:
        """Whether the share of missing values changed by MISSING_CHANGE or more."""
        return abs(self.missing_now - self.missing_before) >= MISSING_CHANGE


@dataclass(frozen=True)
class DriftReport:
    """Result of one drift check: columns, row counts, decision with its reason, and Evidently's HTML page.

    `about` names the model and the current window. `picture`: PNG bytes of the columns that drifted furthest; empty if
    none drifted.
    """

    about: str
    columns: tuple[ColumnDrift, ...]
    n_reference: int
    n_current: int
    decision: DriftDecision
    reason: str
    html: bytes
    picture: bytes = b""

    @property
    def counted(self) -> tuple[ColumnDrift, ...]:
        """Columns that count towards the decision: all but the growing ones."""
        return tuple(c for c in self.columns if not c.growing)

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """Counted columns that drifted, furthest first."""
        return tuple(sorted((c for c in self.counted if c.drifted), key=lambda c: c.threshold - c.score))

    @property
    def share_drifted(self) -> float:
        """Share of the counted columns that drifted, 0..1."""
        return len(self.drifted) / max(len(self.counted), 1)

    @property
    def missing_moved(self) -> tuple[ColumnDrift, ...]:
        """Columns whose share of missing values changed."""
        return tuple(c for c in self.columns if c.missing_moved)


def decide(columns: tuple[ColumnDrift, ...], n_reference: int, n_current: int) -> tuple[DriftDecision, str]:
    """The decision and its reason in one sentence. Suspect data is to be checked before a model is trained on it."""
    counted = [c for c in columns if not c.growing]
    moved = sum(c.drifted for c in counted)
    if min(n_reference, n_current) < MIN_ROWS:
        return DriftDecision.LOOK, (
            f"Too few rows to compare ({n_current:,} now, {n_reference:,} before; {MIN_ROWS:,} are needed): "
            "check that sessions still arrive."
        )
    broken = [c.column for c in columns if c.missing_moved]
    if broken:
        return DriftDecision.LOOK, (
            f"Missing values changed in {_listed(broken)}: check the data source; "
            "a model trained on this data would learn the fault."
        )
    share = f"{moved} of {len(counted)} columns differ from the data the model was trained on"
    if moved >= RETRAIN_SHARE * max(len(counted), 1):
        return DriftDecision.RETRAIN, f"{share}: retrain on newer weeks; the gate decides whether the new model serves."
    if moved:
        return DriftDecision.LOOK, f"{share}: too few to retrain; check whether the change has a known cause."
    return DriftDecision.KEEP, "No column exceeds its threshold: nothing to do."


def _listed(names: list[str], most: int = 3) -> str:
    shown = ", ".join(name.replace("_", " ") for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
