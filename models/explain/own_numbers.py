"""The tutor's own numbers behind a reason: raw counts where the model reads a shrunk rate, and the time it is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from domain.vocabulary import Task
from features.as_of.past import Past
from features.as_of.queries import take
from features.base.kernel import Ints
from features.base.local_time import PARTS_OF_DAY, WEEKDAYS, slot_name
from features.base.stream import Column
from features.history.history import SessionColumns
from models.artifact.matrix import features_of
from models.artifact.model import Sidecar

PLACES: Mapping[str, Callable[[SessionColumns, int], str]] = MappingProxyType(
    {
        "own_slot_no_show_rate": lambda session, row: slot_name(int(session.slot[row])),
        "own_weekday_no_show_rate": lambda session, row: WEEKDAYS[session.weekday[row]],
        "own_part_of_day_no_show_rate": lambda session, row: PARTS_OF_DAY[session.hour[row] // 6],
    }
)
"""Columns about sessions at the time of the one asked about, and that time in words."""

TWINS: Mapping[str, str] = MappingProxyType(
    {
        "no_shows_90d": "no_show_rate_90d",
        "no_shows_lifetime": "no_show_rate",
        "pair_no_shows": "pair_no_show_rate",
        "last_minute_cancellations_90d": "last_minute_cancellation_rate_90d",
        "last_minute_cancellations_4h_90d": "last_minute_cancellation_rate_4h_90d",
        "reschedules_7d": "reschedule_rate_7d",
        "reschedules_30d": "reschedule_rate_30d",
        "reschedules_90d": "reschedule_rate_90d",
    }
)
"""Counts that say more beside the number of sessions they are out of, and the share that knows it."""


@dataclass(frozen=True)
class OwnNumbers:
    """Of the rows explained: `counts` by column, (events, sessions) of shape (rows,) each.

    `new` (rows,) tells whose tutor has no finished session yet; `session` holds the sessions asked about, if any.
    """

    counts: Mapping[str, tuple[Column, Column]] = field(default_factory=dict)
    new: NDArray[np.bool_] | None = None
    session: SessionColumns | None = None

    def at(self, rows: Ints) -> "OwnNumbers":
        """The numbers of some rows, in the order of `rows`."""
        return OwnNumbers(
            {name: (events[rows], sessions[rows]) for name, (events, sessions) in self.counts.items()},
            None if self.new is None else self.new[rows],
            None if self.session is None else take(self.session, rows),
        )

    def told_as(self, column: str) -> str:
        """The column whose numbers a reason names: its own, or those of the share it is the count of."""
        twin = TWINS.get(column, column)
        return twin if twin in self.counts else column

    def place(self, column: str, row: int) -> str:
        """The time of week a column is about, "Thursday evening"; empty where it is about all sessions."""
        return PLACES[column](self.session, row) if self.session is not None and column in PLACES else ""


def own_numbers(sidecar: Sidecar, past: Past) -> OwnNumbers:
    """The numbers behind the columns of a model, for the rows computed from a past."""
    read = [f for f in features_of(sidecar.task) if f.name in sidecar.features]
    counts = {f.name: f.evidence(past) for f in read if f.evidence is not None}
    session = past.queries.session if sidecar.task is Task.NO_SHOW else None
    return OwnNumbers(counts, past.outcomes.count() == 0, session)
