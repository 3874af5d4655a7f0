"""History of the marketplace: streams of events, each event at the moment it became known."""

from functools import cached_property

import numpy as np

from domain.vocabulary import Party, SessionStatus
from features.base.array_types import Ints, NamedArrays
from features.base.arrays import MISSING, array, equals, microseconds
from features.base.coding import CodedDataset
from features.base.dataset import Dataset, Group
from features.base.kernel import runs
from features.base.local_time import PARTS_OF_DAY, SLOTS, WEEKDAYS
from features.base.sessions import SessionColumns, part_owner, slot_owner, weekday_owner
from features.base.stream import Stream
from features.history import first_sessions, moves
from features.history.calendar import Calendar, calendar_of
from features.history.correspondence import Questions, questions
from features.history.group_days import GroupDays, ReadGroupDays, count_days
from features.history.outcomes import OutcomeValues

__all__ = ["MISSING", "History", "SessionColumns", "microseconds", "slot_owner"]

_FROM_ONE_TABLE = {
    "reschedules": ("reschedules",),
    "messages": ("sent_messages", "attention", "_questions", "received_messages", "answered_messages"),
}
"""Streams that are computed from one table and the codes of the tutors, by the table's kind."""


class History(CodedDataset):
    """The data that features may read, built once from a dataset for any number of queries.

    Streams are built at first use, so that a request builds only those it needs. A history of some tutors needs
    `group_days`, which returns the days of groups in the whole marketplace; otherwise the dataset is the marketplace.
    """

    def __init__(self, dataset: Dataset, group_days: ReadGroupDays | None = None) -> None:
        super().__init__(dataset)
        self._read_group_days = group_days or self._own_group_days
        self._group_days: dict[Group, GroupDays] = {}

    def take_streams(self, earlier: "History") -> None:
        """Take over the streams of an earlier history that follow from the tutors' ids and an equal table."""
        if not self.tutor_ids.equals(earlier.tutor_ids):
            return
        built = vars(earlier).copy()
        for kind, names in _FROM_ONE_TABLE.items():
            if self.dataset.tables[kind].equals(earlier.dataset.tables[kind]):
                vars(self).update({name: built[name] for name in names if name in built})

    def group_days(self, group: Group) -> GroupDays:
        """Held and missed sessions of each value of a group, by day."""
        if group not in self._group_days:
            self._group_days[group] = self._read_group_days(group)
        return self._group_days[group]

    def _own_group_days(self, group: Group) -> GroupDays:
        return GroupDays.of(count_days(self.sessions, self.group_values(group, self.sessions)))

    @cached_property
    def _finished(self) -> Ints:
        """Rows of the sessions with a known outcome, in the order in which it became known."""
        known = self.sessions.known_at
        rows = np.flatnonzero((known != MISSING) & ~self.sessions.is_in({SessionStatus.BOOKED}))
        return rows[np.argsort(known[rows], kind="stable")]

    @cached_property
    def _outcome_values(self) -> OutcomeValues:
        return OutcomeValues(self.sessions, self._table, self._finished)

    @cached_property
    def _held_or_missed(self) -> Ints:
        return np.asarray(self._finished[self._outcome_values["labelled"]])

    @cached_property
    def _held_or_missed_at(self) -> Ints:
        return self.sessions.known_at[self._held_or_missed]

    @cached_property
    def _labels(self) -> NamedArrays:
        held_or_missed = self._outcome_values["labelled"]
        return {name: self._outcome_values[name][held_or_missed] for name in ("missed", "labelled")}

    @cached_property
    def _first_of_pairs(self) -> Ints:
        return first_sessions.first_of_pairs(self.sessions, self._held_or_missed)

    def _outcomes_by(self, owners: Ints, n_owners: int) -> Stream:
        """Held or missed sessions, by owners (sessions,)."""
        rows = self._held_or_missed
        return Stream.build(owners[rows], self._held_or_missed_at, n_owners, self._labels)

    @cached_property
    def outcomes(self) -> Stream:
        """Finished sessions, including cancelled ones, by tutor."""
        rows = self._finished
        return Stream.build(
            self.sessions.tutor[rows], self.sessions.known_at[rows], self.n_tutors, self._outcome_values
        )

    @cached_property
    def deliveries(self) -> Stream:
        """Delivered sessions, by tutor."""
        rows = self._finished[self._outcome_values["delivered"]]
        return Stream.build(self.sessions.tutor[rows], self.sessions.known_at[rows], self.n_tutors, {})

    @cached_property
    def slot_outcomes(self) -> Stream:
        """Held or missed sessions, by tutor, weekday and part of day (in the tutor's time zone)."""
        return self._outcomes_by(slot_owner(self.sessions.tutor, self.sessions.slot), self.n_tutors * SLOTS)

    @cached_property
    def weekday_outcomes(self) -> Stream:
        """Held or missed sessions, by tutor and weekday."""
        owners = weekday_owner(self.sessions.tutor, self.sessions.weekday)
        return self._outcomes_by(owners, self.n_tutors * len(WEEKDAYS))

    @cached_property
    def part_outcomes(self) -> Stream:
        """Held or missed sessions, by tutor and part of day."""
        owners = part_owner(self.sessions.tutor, self.sessions.slot)
        return self._outcomes_by(owners, self.n_tutors * len(PARTS_OF_DAY))

    @cached_property
    def pair_outcomes(self) -> Stream:
        """Held or missed sessions, by pair of tutor and student."""
        return self._outcomes_by(self.sessions.pair, len(self.pairs))

    @cached_property
    def first_ratings(self) -> Stream:
        """First held or missed session of each pair, by tutor."""
        first = self._first_of_pairs
        places = np.flatnonzero(self._outcome_values["labelled"])[first]
        values = {name: self._outcome_values[name][places] for name in ("rated", "rating")}
        rows = self._held_or_missed[first]
        return Stream.build(self.sessions.tutor[rows], self.sessions.known_at[rows], self.n_tutors, values)

    @cached_property
    def judged_firsts(self) -> Stream:
        """First held or missed session of each pair, by tutor, known once the time for a follow-up booking is over.

        `led_nowhere` marks those without a follow-up booking.
        """
        rows = self._held_or_missed[self._first_of_pairs]
        lost = first_sessions.led_nowhere(self.sessions, rows, len(self.pairs))
        judged = first_sessions.judged_at(self.sessions, rows)
        return Stream.build(self.sessions.tutor[rows], judged, self.n_tutors, {"led_nowhere": lost})

    @cached_property
    def kept_in_a_row(self) -> Ints:
        """Sessions delivered since the last no-show or last-minute cancellation, after each event of `outcomes`."""
        return self._in_a_row("delivered", "broken")

    @cached_property
    def bad_in_a_row(self) -> Ints:
        """Consecutive sessions missed, cancelled at the last minute or started late, after each event of `outcomes`."""
        return self._in_a_row("bad", "good")

    def _in_a_row(self, counted: str, breaks: str) -> Ints:
        outcomes = self.outcomes
        return np.asarray(runs(outcomes.starts, outcomes.sums.in_order(counted), outcomes.sums.in_order(breaks)))

    @cached_property
    def calendar(self) -> Calendar:
        """Sessions of each tutor by their start."""
        return calendar_of(self.sessions, microseconds(self._table["ends_at"]), self.n_tutors)

    @cached_property
    def reschedules(self) -> Stream:
        """Reschedules by tutor, with the values of `features.history.moves`."""
        return self._events("reschedules", "requested_at", moves.move_values(self.dataset.tables["reschedules"]))

    @cached_property
    def _moved(self) -> tuple[Ints, Ints]:
        table = self.dataset.tables["reschedules"]
        ids = array(self._table["session_id"])
        return moves.moved_sessions(table, self.tutor_codes(table["tutor_id"]), self.sessions, ids)

    @cached_property
    def session_moves(self) -> Stream:
        """Reschedules by rescheduled session."""
        owners = self._moved[0]
        return self._events("reschedules", "requested_at", {}, owners, int(owners.max(initial=-1)) + 1)

    def moved_codes(self, rows: Ints) -> Ints:
        """Owners in `session_moves` of sessions by row (n,), -1 for a session that was never rescheduled."""
        n_moved = self.session_moves.starts.size - 1
        moved = np.append(self._moved[1], -1)[rows]
        return np.where(moved < n_moved, moved, -1)

    @cached_property
    def sent_messages(self) -> Stream:
        """Messages from tutors, by tutor."""
        return self._messages_of(Party.TUTOR)

    @cached_property
    def attention(self) -> Stream:
        """Messages from the platform to tutors, by tutor."""
        return self._messages_of(Party.PLATFORM)

    @cached_property
    def _questions(self) -> Questions:
        messages = self.dataset.tables["messages"]
        return questions(messages, self.tutor_codes(messages["tutor_id"]))

    @cached_property
    def received_messages(self) -> Stream:
        """Messages from students to tutors, by tutor."""
        received = self._questions
        return self._by_time(received.tutor, received.sent_at, self.n_tutors, {})

    @cached_property
    def answered_messages(self) -> Stream:
        """Messages from students, known when the tutor wrote back; `waited` is the time until then in microseconds."""
        received = self._questions
        answered = np.flatnonzero(received.answered_at >= 0)
        waited = (received.answered_at - received.sent_at)[answered]
        return self._by_time(
            received.tutor[answered], received.answered_at[answered], self.n_tutors, {"waited": waited}
        )

    def _messages_of(self, sender: Party) -> Stream:
        messages = self.dataset.tables["messages"]
        wrote = equals(messages["sender"], sender)
        return self._events("messages", "sent_at", {}, np.where(wrote, self.tutor_codes(messages["tutor_id"]), -1))

    def _events(
        self,
        kind: str,
        known_name: str,
        values: NamedArrays,
        owners: Ints | None = None,
        n_owners: int | None = None,
    ) -> Stream:
        """Rows of a kind by owner (rows,), by default the tutor."""
        table = self.dataset.tables[kind]
        owners = self.tutor_codes(table["tutor_id"]) if owners is None else owners
        return self._by_time(
            owners, microseconds(table[known_name]), self.n_tutors if n_owners is None else n_owners, values
        )

    def _by_time(self, owners: Ints, known: Ints, n_owners: int, values: NamedArrays) -> Stream:
        order = np.argsort(known, kind="stable")
        return Stream.build(owners[order], known[order], n_owners, {n: v[order] for n, v in values.items()})
