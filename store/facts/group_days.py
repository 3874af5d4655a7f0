"""Counts of the groups' sessions in the whole marketplace, for histories of some tutors."""

import time
from collections.abc import Callable
from threading import Lock

from psycopg2 import sql

from domain.horizons import HELD_OR_MISSED
from domain.vocabulary import SessionStatus
from features.base.dataset import OF_STUDENTS, Group
from features.history.group_days import DAY_COUNTS, GroupDays
from store.db.copying import copy_out
from store.db.engine import Engine, reading

_COUNTS = sql.SQL(
    """
    SELECT value, day, count(*) FILTER (WHERE status = {missed})::float8, count(*)::float8
    FROM (
        SELECT {value} AS value, floor(extract(epoch FROM s.outcome_known_at) / 86400)::float8 AS day, s.status
        FROM sessions AS s JOIN tutors AS t USING (tutor_id)
        WHERE s.status = ANY ({labelled}) AND s.outcome_known_at IS NOT NULL
    ) AS finished
    WHERE value IS NOT NULL
    GROUP BY value, day
    """
)


def read_group_days(engine: Engine, group: Group) -> GroupDays:
    """Held and missed sessions of each value of a group, by day. Raises DatabaseUnavailable."""
    value = sql.SQL("s.student_id")
    if group != OF_STUDENTS:
        value = sql.SQL("{}.attributes ->> {}").format(
            sql.Identifier("t" if group.kind == "tutors" else "s"), sql.Literal(group.name)
        )
    query = _COUNTS.format(
        value=value, missed=sql.Literal(SessionStatus.NO_SHOW.value), labelled=sql.Literal(sorted(HELD_OR_MISSED))
    )
    with reading(engine) as connection:
        return GroupDays.of(copy_out(connection, query, DAY_COUNTS))


class CachedGroupDays:
    """Counts of groups by day, read again in every hour of the clock. Thread-safe.

    Queries read whole UTC days, so a count of an earlier day changes only if an outcome is recorded late.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine, self._clock, self._lock = engine, clock, Lock()
        self._hour, self._kept = 0, dict[Group, GroupDays]()

    def __call__(self, group: Group) -> GroupDays:
        """The counts of a group. Raises DatabaseUnavailable."""
        hour = int(self._clock() // 3600)
        with self._lock:
            if hour != self._hour:
                self._hour, self._kept = hour, {}
            if group not in self._kept:
                self._kept[group] = read_group_days(self._engine, group)
            return self._kept[group]
