"""Integer codes for the ids of a dataset: tutors, time zones, pairs of tutor and student."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import SessionStatus
from features.base.array_types import Ints
from features.base.arrays import MISSING, array, codes, index_in, microseconds, present
from features.base.dataset import OF_STUDENTS, STUDENT, Attribute, Dataset, Group
from features.base.local_time import day_weekday_and_hour, local_hours, slot
from features.base.sessions import SessionColumns


class CodedDataset:
    """A dataset with integer codes for its ids: positions in `tutor_ids`, `zones` and `pairs`."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        tutors = dataset.tables["tutors"]
        self.tutor_ids: pa.Array = array(tutors["tutor_id"])
        self.n_tutors = len(self.tutor_ids)
        self.started_at = microseconds(tutors["started_at"])
        self.departed_at = microseconds(tutors["departed_at"])
        zones = array(pc.fill_null(tutors["timezone"], "UTC")).dictionary_encode()
        self.zones: list[str] = zones.dictionary.to_pylist()
        self._zone_of_tutor = codes(zones.indices)
        self._student_ids: pa.Array = array(dataset.tables["students"]["student_id"])

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Attributes that a model may read."""
        return self.dataset.feature_attributes("sessions") + self.dataset.feature_attributes("tutors")

    @cached_property
    def sessions(self) -> SessionColumns:
        """All sessions of the dataset, in its order."""
        return self.columns_of(self._table)

    def columns_of(self, sessions: pa.Table) -> SessionColumns:
        """Encode a table of sessions (the dataset's schema) with the codes of this dataset."""
        own = sessions is self._table
        tutor, pair_key = self._own_codes if own else self._tutor_and_pair(sessions)
        starts_at, booked_at = microseconds(sessions["starts_at"]), microseconds(sessions["booked_at"])
        scheduled_at = microseconds(sessions["scheduled_at"])
        day, weekday, hour = day_weekday_and_hour(local_hours(starts_at, self.zone_codes(tutor), self.zones))
        return SessionColumns(
            row=np.arange(tutor.size) if own else self._own_rows(sessions, tutor),
            tutor=tutor,
            pair=codes(self._own_pairs.indices) if own else index_in(pair_key, self.pairs),
            student_given=present(sessions["student_id"]),
            slot=slot(weekday, hour),
            day=day,
            weekday=weekday,
            hour=hour,
            booked_at=booked_at,
            scheduled_at=np.where(scheduled_at == MISSING, booked_at, scheduled_at),
            starts_at=starts_at,
            known_at=microseconds(sessions["outcome_known_at"]),
            status=index_in(sessions["status"], pa.array(list(SessionStatus), pa.string())).astype(np.int8),
            attributes={a.name: array(sessions[a.column]) for a in self.dataset.feature_attributes("sessions")},
            students=array(sessions[STUDENT]) if OF_STUDENTS in (self.dataset.histories or ()) else None,
            asked=self.dataset.asked,
        )

    def tutor_codes(self, tutor_ids: pa.Array | pa.ChunkedArray) -> Ints:
        """Codes of tutor ids (n,), -1 for an id that is not in the dataset."""
        return index_in(tutor_ids, self.tutor_ids)

    def tutor_attributes(self) -> Mapping[str, pa.Array]:
        """Attributes of the tutors by name, (tutors,) each."""
        tutors = self.dataset.tables["tutors"]
        return {a.name: array(tutors[a.column]) for a in self.dataset.feature_attributes("tutors")}

    def group_values(self, group: Group, sessions: SessionColumns) -> pa.Array:
        """Values of a group for sessions of this dataset's codes: (sessions,), null where unknown."""
        if group.kind == "tutors":
            return self.tutor_attributes()[group.name].take(pa.array(sessions.tutor, mask=sessions.tutor < 0))
        return sessions.students if group == OF_STUDENTS else sessions.attributes[group.name]

    def zone_codes(self, tutor: Ints) -> Ints:
        """Positions in `zones` for tutor codes (n,), -1 for an unknown tutor."""
        return np.where(tutor >= 0, self._zone_of_tutor[tutor], -1) if self.n_tutors else tutor

    @property
    def _table(self) -> pa.Table:
        return self.dataset.tables["sessions"]

    def _own_rows(self, sessions: pa.Table, tutor: Ints) -> Ints:
        """Rows in the dataset of sessions with the same id and tutor, -1 for none."""
        row = index_in(sessions["session_id"], array(self._table["session_id"]))
        return np.where(np.append(self._own_codes[0], -1)[row] == tutor, row, -1)

    def _tutor_and_pair(self, sessions: pa.Table) -> tuple[Ints, pa.Array]:
        """Tutor codes, and a number for each pair of tutor and student, null where either is unknown."""
        tutor = self.tutor_codes(sessions["tutor_id"])
        student = index_in(sessions["student_id"], self._student_ids)
        return tutor, pa.array(tutor * len(self._student_ids) + student, mask=(tutor < 0) | (student < 0))

    @cached_property
    def _own_codes(self) -> tuple[Ints, pa.Array]:
        return self._tutor_and_pair(self._table)

    @cached_property
    def pairs(self) -> pa.Array:
        """Numbers of the pairs of tutor and student that have a session; a pair's code is its position here."""
        return self._own_pairs.dictionary

    @cached_property
    def _own_pairs(self) -> pa.DictionaryArray:
        return self._own_codes[1].dictionary_encode()
