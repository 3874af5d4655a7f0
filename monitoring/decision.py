"""What a drift check found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum

MIN_ROWS = 1000
"""With fewer rows chance alone passes the threshold: the 99th percentile of the distance between samples of the same
thing was measured as 0.08 at 1,000 rows and 0.11 at 500."""

MISSING_CHANGE = 0.20
"""A column whose share of missing values moved this far is looked at as data, before anything is learnt from it."""

RETRAIN_SHARE = 0.30
"""From this share of drifted columns on, the model is trained again."""


class Decision(StrEnum):
    """How a check ends."""

    KEEP = "keep"
    LOOK = "look"
    RETRAIN = "retrain"


@dataclass(frozen=True)
class ColumnDrift:
    """One column: its distance from the reference, the threshold it is held against, and the change in words.

    `growing` columns rise with the calendar: they are shown and never counted. The missing shares are in 0..1.
    """

    column: str
    score: float
    threshold: float
    words: str
    missing_before: float
    missing_now: float
    growing: bool = False

    @property
    def drifted(self) -> bool:
        """Whether its values moved further than the threshold."""
        return self.score > self.threshold

    @property
    def missing_moved(self) -> bool:
        """Whether the share of missing values moved too far."""
        return abs(self.missing_now - self.missing_before) >= MISSING_CHANGE


@dataclass(frozen=True)
class DriftReport:
    """A finished check of `about`: every column, counts of rows, the decision with its reason, and the full page.

    `picture`: PNG bytes of the columns that moved furthest; empty where none did.
    """

    about: str
    columns: tuple[ColumnDrift, ...]
    n_reference: int
    n_current: int
    decision: Decision
    reason: str
    html: bytes
    picture: bytes = b""

    @property
    def counted(self) -> tuple[ColumnDrift, ...]:
        """The columns that can drift: those that do not rise with the calendar anyway."""
        return tuple(c for c in self.columns if not c.growing)

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """Counted columns whose values drifted, the furthest first."""
        return tuple(sorted((c for c in self.counted if c.drifted), key=lambda c: c.threshold - c.score))

    @property
    def share_drifted(self) -> float:
        """Share of the counted columns that drifted, 0..1."""
        return len(self.drifted) / max(len(self.counted), 1)

    @property
    def missing_moved(self) -> tuple[ColumnDrift, ...]:
        """Columns whose share of missing values moved."""
        return tuple(c for c in self.columns if c.missing_moved)


def decide(columns: tuple[ColumnDrift, ...], n_reference: int, n_current: int) -> tuple[Decision, str]:
    """The decision and one sentence why. A suspicion about the data comes before any training on it."""
    counted = [c for c in columns if not c.growing]
    moved = sum(c.drifted for c in counted)
    if min(n_reference, n_current) < MIN_ROWS:
        return Decision.LOOK, (
            f"Too few rows to compare ({n_current:,} now, {n_reference:,} before; {MIN_ROWS:,} are needed): "
            "check that sessions still come in."
        )
    broken = [c.column for c in columns if c.missing_moved]
    if broken:
        return Decision.LOOK, (
            f"Missing values changed in {_listed(broken)}: check what delivers the data; "
            "a model trained on it would learn the fault."
        )
    share = f"{moved} of {len(counted)} columns look different from what the model was trained on"
    if moved >= RETRAIN_SHARE * max(len(counted), 1):
        return Decision.RETRAIN, f"{share}: train again on newer weeks, and let the new model prove itself."
    if moved:
        return Decision.LOOK, f"{share}: too few to train again; see whether the change has a cause you know."
    return Decision.KEEP, "No column moved further than chance and season allow: nothing to do."


def _listed(names: list[str], most: int = 3) -> str:
    shown = ", ".join(name.replace("_", " ") for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
