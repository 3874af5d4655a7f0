"""Declaration of a feature: its column, unit, meaning, models and words."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.vocabulary import Task
from features.as_of.evidence import Evidence
from features.as_of.past import Past
from features.base.array_types import Column
from features.base.sessions import SessionColumns
from features.columns.phrases import Phrase

NO_SHOW = frozenset({Task.NO_SHOW})
CHURN = frozenset({Task.CHURN})
BOTH = NO_SHOW | CHURN

FLAG = "1 or 0"
"""Unit of a column that is 1 where something holds."""

RATIO = "ratio"
"""Unit of a column that is a multiple of the tutor's own usual amount, which is 1."""


@dataclass(frozen=True)
class Counts:
    """Raw counts behind a shrunk share, with the sentence that quotes them.

    In the sentence, `{share}` is replaced by the counts, "3 of 9", and `{when}` by the time of week of `Feature.when`.
    """

    evidence: Evidence
    sentence: str


@dataclass(frozen=True)
class Feature:
    """A column of the models: its computation, and everything the other rooms need to know about it.

    `models` read it. `phrase` words a value in a reason. `missing` words a NaN that shows that nothing happened where
    something usually does, which raises a risk; it is empty where a NaN is a lack of data. `counts` are present on a
    shrunk share; `share` on a count names the share whose events it counts, because a reason is clearer with both
    numbers. `when` returns the time of week that a column of the session is about. `monotone` is +1 where a larger
    value never lowers a risk, -1 where it never raises one, 0 where neither is certain. `worse` is the side of the
    usual value that people take for a sign of risk, +1 above, -1 below, 0 where it differs between markets; `monotone`
    by default. `history` is false for a column that needs no past of the tutor, `local_time` is true for one that
    follows from the local start of the session, `growing` for one that follows the calendar, so that its drift is
    expected.
    """

    compute: Callable[[Past], Column]
    unit: str
    theme: str
    models: frozenset[Task]
    phrase: Phrase
    missing: str
    counts: Counts | None = None
    share: str = ""
    when: Callable[[SessionColumns, int], str] | None = None
    monotone: int = 0
    worse: int = 0
    history: bool = True
    local_time: bool = False
    growing: bool = False

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.compute.__name__

    @property
    def meaning(self) -> str:
        """First line of the function's docstring."""
        return (self.compute.__doc__ or "").splitlines()[0]

    @property
    def is_ordered(self) -> bool:
        """True if a larger value is more of something, unlike a weekday or an hour."""
        return self.unit == FLAG or bool(self.phrase(0.0)[1])


def feature(
    unit: str,
    theme: str,
    models: frozenset[Task],
    phrase: Phrase,
    *,
    missing: str = "",
    counts: Counts | None = None,
    share: str = "",
    when: Callable[[SessionColumns, int], str] | None = None,
    monotone: int = 0,
    worse: int = 0,
    history: bool = True,
    local_time: bool = False,
    growing: bool = False,
) -> Callable[[Callable[[Past], Column]], Feature]:
    """Declare a function of the past as a feature; see `Feature` for the arguments.

    The first line of its docstring is its meaning in the catalogue.
    """

    def declare(compute: Callable[[Past], Column]) -> Feature:
        return Feature(
            compute=compute,
            unit=unit,
            theme=theme,
            models=models,
            phrase=phrase,
            missing=missing,
            counts=counts,
            share=share,
            when=when,
            monotone=monotone,
            worse=worse or monotone,
            history=history,
            local_time=local_time,
            growing=growing,
        )

    return declare
