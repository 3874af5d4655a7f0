"""What a column is: a function named as it, and what people and models must know about it."""

from collections.abc import Callable
from dataclasses import dataclass

from features.as_of.evidence import Evidence
from features.as_of.past import Past
from features.base.stream import Column


@dataclass(frozen=True)
class Feature:
    """A column: how it is computed, in which unit, which theme of reasons it belongs to, what it reads.

    `history` is false for what is known without any past of the tutor. `monotone` is +1 where a larger value never
    lowers a risk, -1 where it never raises one, 0 where neither is sure. `evidence` gives the raw counts behind a
    shrunk rate.
    """

    compute: Callable[[Past], Column]
    unit: str
    theme: str
    history: bool = True
    monotone: int = 0
    evidence: Evidence | None = None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.compute.__name__

    @property
    def meaning(self) -> str:
        """What the column says, in one line."""
        return (self.compute.__doc__ or "").splitlines()[0]


def feature(
    unit: str, theme: str, *, history: bool = True, monotone: int = 0, evidence: Evidence | None = None
) -> Callable[[Callable[[Past], Column]], Feature]:
    """Make a feature of a function; its docstring's first line is the column's meaning in the catalogue."""
    return lambda compute: Feature(compute, unit, theme, history, monotone, evidence)
