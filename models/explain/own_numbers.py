"""Numbers of the tutor quoted in reasons: raw counts behind shrunk rates, and the time of week they cover."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.vocabulary import Task
from features.as_of.past import Past
from features.as_of.queries import take
from features.base.array_types import Column, Ints
from features.catalogue import FEATURES
from features.history.history import SessionColumns
from models.artifact.matrix import features_of
from models.artifact.model import Sidecar
from models.explain.group_words import group_counts


@dataclass(frozen=True)
class OwnNumbers:
    """Numbers of the explained rows: `counts` by column, (events, sessions) of shape (rows,) each.

    `new` (rows,) marks tutors without a finished session; `session` holds the queried sessions, if any.
    """

    counts: Mapping[str, tuple[Column, Column]] = field(default_factory=dict)
    new: NDArray[np.bool_] | None = None
    session: SessionColumns | None = None

    def at(self, rows: Ints) -> "OwnNumbers":
        """Returns the numbers of some rows, in the order of `rows`."""
        return OwnNumbers(
            {name: (events[rows], sessions[rows]) for name, (events, sessions) in self.counts.items()},
            None if self.new is None else self.new[rows],
            None if self.session is None else take(self.session, rows),
        )

    def described_as(self, column: str) -> str:
        """Returns the column whose numbers a reason quotes: the share that a count belongs to, or the column itself."""
        share = FEATURES[column].share if column in FEATURES else ""
        return share if share in self.counts else column

    def counted(self, column: str, row: int) -> tuple[float, float] | None:
        """Returns the events and sessions behind a column; None where they are unknown."""
        counts = self.counts.get(column)
        return counts and (float(counts[0][row]), float(counts[1][row]))

    def when(self, column: str, row: int) -> str:
        """Returns the time of week that a column covers, "Thursday evening"; empty where it covers all sessions."""
        when = FEATURES[column].when
        return when(self.session, row) if self.session is not None and when is not None else ""


def own_numbers(sidecar: Sidecar, past: Past) -> OwnNumbers:
    """Returns the numbers behind the columns of a model, for rows computed from `past`."""
    read = [f for f in features_of(sidecar.task) if f.name in sidecar.features]
    counts = {f.name: f.counts.evidence(past) for f in read if f.counts is not None}
    counts |= group_counts(sidecar, past)
    session = past.queries.session if sidecar.task is Task.NO_SHOW else None
    return OwnNumbers(counts, past.outcomes.count() == 0, session)
