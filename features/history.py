"""The history of the marketplace as streams of events, each event at the moment it became known."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.horizons import DELIVERED, HELD_OR_MISSED, LAST_MINUTE
from domain.vocabulary import Party, SessionStatus
from features.dataset import Attribute, Dataset
from features.kernel import Ints
from features.local_time import SLOTS, slot, weekday_and_hour
from features.stream import Stream

MISSING = np.iinfo(np.int64).min
"""An unknown time, in int64 microseconds."""

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class SessionColumns:
    """Sessions as aligned arrays (sessions,): codes into the history's ids, times in UTC microseconds or MISSING.

    `status` is a place in SessionStatus, -1 for none of them.
    """

    tutor: Ints
    pair: Ints
    slot: Codes
    weekday: Codes
    hour: Codes
    booked_at: Ints
    scheduled_at: Ints
    starts_at: Ints
    known_at: Ints
    status: Codes
    attributes: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return self.tutor.size

    def is_in(self, statuses: frozenset[SessionStatus] | set[SessionStatus]) -> NDArray[np.bool_]:
        """Which sessions have one of these statuses: (sessions,)."""
        wanted = np.array([status in statuses for status in SessionStatus] + [False])
        return np.asarray(wanted[self.status])


class History:
    """All that a feature may read. Built once from a dataset; answers any number of queries.

    Streams are built when first used: a request that needs three does not pay for eight.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        tutors = dataset.tables["tutors"]
        self.tutor_ids: pa.Array = _array(tutors["tutor_id"])
        self.n_tutors = len(self.tutor_ids)
        self.started_at = microseconds(tutors["started_at"])
        self.departed_at = microseconds(tutors["departed_at"])
        zones = _array(pc.fill_null(tutors["timezone"], "UTC")).dictionary_encode()
        self._zones, self._zone_of_tutor = zones.dictionary.to_pylist(), _codes(zones.indices)
        self._student_ids: pa.Array = _array(dataset.tables["students"]["student_id"])

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes that may be features."""
        return self.dataset.feature_attributes("sessions") + self.dataset.feature_attributes("tutors")

    @cached_property
    def sessions(self) -> SessionColumns:
        """Every session of the dataset, in its order."""
        return self.columns_of(self.dataset.tables["sessions"])

    def columns_of(self, sessions: pa.Table) -> SessionColumns:
        """Sessions given as a table of the dataset's schema, coded against this history."""
        own = sessions is self.dataset.tables["sessions"]
        tutor, pair_key = self._own_codes if own else self._tutor_and_pair(sessions)
        starts_at, booked_at = microseconds(sessions["starts_at"]), microseconds(sessions["booked_at"])
        scheduled_at = microseconds(sessions["scheduled_at"])
        weekday, hour = weekday_and_hour(starts_at, self._zone_codes(tutor), self._zones)
        return SessionColumns(
            tutor=tutor,
            pair=_codes(pc.index_in(pair_key, self._pairs)),
            slot=slot(weekday, hour),
            weekday=weekday,
            hour=hour,
            booked_at=booked_at,
            scheduled_at=np.where(scheduled_at == MISSING, booked_at, scheduled_at),
            starts_at=starts_at,
            known_at=microseconds(sessions["outcome_known_at"]),
            status=_codes(pc.index_in(sessions["status"], pa.array(list(SessionStatus), pa.string()))).astype(np.int8),
            attributes={a.name: _array(sessions[a.column]) for a in self.dataset.feature_attributes("sessions")},
        )

    def tutor_codes(self, tutor_ids: pa.Array | pa.ChunkedArray) -> Ints:
        """Codes of tutor ids (n,), -1 for an id this history does not know."""
        return _codes(pc.index_in(tutor_ids, self.tutor_ids))

    def tutor_attributes(self) -> Mapping[str, pa.Array]:
        """Attributes of the tutors, (tutors,) each."""
        tutors = self.dataset.tables["tutors"]
        return {a.name: _array(tutors[a.column]) for a in self.dataset.feature_attributes("tutors")}

    def _zone_codes(self, tutor: Ints) -> Ints:
        return np.where(tutor >= 0, self._zone_of_tutor[tutor], -1) if self.n_tutors else tutor

    def _tutor_and_pair(self, sessions: pa.Table) -> tuple[Ints, pa.Array]:
        """Tutor codes, and one number a pair of tutor and student; null where either is unknown."""
        tutor = self.tutor_codes(sessions["tutor_id"])
        student = _codes(pc.index_in(sessions["student_id"], self._student_ids))
        return tutor, pa.array(tutor * len(self._student_ids) + student, mask=(tutor < 0) | (student < 0))

    @cached_property
    def _own_codes(self) -> tuple[Ints, pa.Array]:
        return self._tutor_and_pair(self.dataset.tables["sessions"])

    @cached_property
    def _pairs(self) -> pa.Array:
        return pc.drop_null(pc.unique(self._own_codes[1]))

    @cached_property
    def _finished(self) -> NDArray[np.int64]:
        """Sessions with a known outcome, by the time it became known."""
        known = self.sessions.known_at
        some = np.flatnonzero((known != MISSING) & ~self.sessions.is_in({SessionStatus.BOOKED}))
        return some[np.argsort(known[some], kind="stable")]

    @cached_property
    def _finished_at(self) -> Ints:
        return self.sessions.known_at[self._finished]

    @cached_property
    def _outcome_values(self) -> dict[str, NDArray[np.generic]]:
        sessions, rows = self.sessions, self._finished
        cancelled = self._last_minute_cancellations()
        rating = _floats(self.dataset.tables["sessions"]["rating"])[rows]
        return {
            "missed": sessions.is_in({SessionStatus.NO_SHOW})[rows],
            "labelled": sessions.is_in(HELD_OR_MISSED)[rows],
            "last_minute_cancelled": cancelled[rows],
            "rated": ~np.isnan(rating),
            "rating": np.nan_to_num(rating),
        }

    def _last_minute_cancellations(self) -> NDArray[np.bool_]:
        sessions = self.sessions
        by_tutor = _equals(self.dataset.tables["sessions"]["initiated_by"], Party.TUTOR)
        notice = sessions.starts_at - sessions.known_at
        short = notice < LAST_MINUTE.total_seconds() * 1e6
        return sessions.is_in({SessionStatus.CANCELLED}) & by_tutor & short

    def _outcomes_by(self, owners: Ints, n_owners: int, *names: str) -> Stream:
        values = {name: self._outcome_values[name] for name in names}
        return Stream.build(owners[self._finished], self._finished_at, n_owners, values)

    @cached_property
    def outcomes(self) -> Stream:
        """Finished sessions by tutor."""
        return self._outcomes_by(self.sessions.tutor, self.n_tutors, *self._outcome_values)

    @cached_property
    def deliveries(self) -> Stream:
        """Sessions the tutor kept, by tutor."""
        delivered = self.sessions.is_in(DELIVERED)
        return self._outcomes_by(np.where(delivered, self.sessions.tutor, -1), self.n_tutors)

    @cached_property
    def slot_outcomes(self) -> Stream:
        """Finished sessions by tutor, weekday and part of day (in the tutor's zone)."""
        owners = slot_owner(self.sessions.tutor, self.sessions.slot)
        return self._outcomes_by(owners, self.n_tutors * SLOTS, "missed", "labelled")

    @cached_property
    def pair_outcomes(self) -> Stream:
        """Finished sessions by pair of tutor and student."""
        return self._outcomes_by(self.sessions.pair, len(self._pairs), "missed", "labelled")

    @cached_property
    def first_ratings(self) -> Stream:
        """The first finished session of each pair, by tutor."""
        rows = self._finished
        order = np.sort(np.unique(self.sessions.pair[rows], return_index=True)[1])
        order = order[self.sessions.pair[rows][order] >= 0]
        values = {name: self._outcome_values[name][order] for name in ("rated", "rating")}
        return Stream.build(self.sessions.tutor[rows][order], self._finished_at[order], self.n_tutors, values)

    @cached_property
    def reschedules(self) -> Stream:
        """Reschedules by tutor; `by_tutor` marks those the tutor asked for."""
        table = self.dataset.tables["reschedules"]
        return self._events("reschedules", "requested_at", {"by_tutor": _equals(table["initiator"], Party.TUTOR)})

    @cached_property
    def sent_messages(self) -> Stream:
        """Messages the tutor wrote, by tutor."""
        return self._events("messages", "sent_at", {}, _equals(self.dataset.tables["messages"]["sender"], Party.TUTOR))

    @cached_property
    def attention(self) -> Stream:
        """Messages the platform wrote to the tutor, by tutor."""
        return self._events(
            "messages", "sent_at", {}, _equals(self.dataset.tables["messages"]["sender"], Party.PLATFORM)
        )

    def _events(
        self,
        kind: str,
        known_name: str,
        values: Mapping[str, NDArray[np.generic]],
        where: NDArray[np.bool_] | None = None,
    ) -> Stream:
        table = self.dataset.tables[kind]
        known, tutor = microseconds(table[known_name]), self.tutor_codes(table["tutor_id"])
        order = np.argsort(known, kind="stable")
        owners = tutor if where is None else np.where(where, tutor, -1)
        return Stream.build(owners[order], known[order], self.n_tutors, {n: v[order] for n, v in values.items()})


def slot_owner(tutor: Ints, slots: Codes) -> Ints:
    """The owner code of a tutor's slot in `History.slot_outcomes`, -1 for an unknown tutor."""
    return np.where(tutor >= 0, tutor * SLOTS + slots, -1)


def microseconds(times: pa.ChunkedArray | pa.Array) -> Ints:
    """Times as int64 UTC microseconds, MISSING for null: (n,)."""
    return np.asarray(pc.fill_null(pc.cast(times, pa.int64()), int(MISSING)).to_numpy())


def _array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _codes(indices: pa.Array | pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(pc.cast(indices, pa.int64()), -1).to_numpy())


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(column, float("nan")).to_numpy())


def _equals(column: pa.ChunkedArray, value: str) -> NDArray[np.bool_]:
    return np.asarray(_array(pc.fill_null(pc.equal(column, value), False)).to_numpy(zero_copy_only=False))
