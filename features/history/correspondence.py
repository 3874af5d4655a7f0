"""Who wrote to the tutor, and when the tutor wrote back."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import Party
from features.base.array_types import Ints
from features.base.arrays import array, codes, equals, microseconds
from features.base.kernel import positions
from features.base.stream import Stream


@dataclass(frozen=True)
class Questions:
    """Messages of students to a tutor: tutor codes, when sent, and when the tutor next wrote to that student.

    `answered_at` is -1 where the tutor has not written since. (questions,) each, in UTC microseconds.
    """

    tutor: Ints
    sent_at: Ints
    answered_at: Ints


def questions(messages: pa.Table, tutor: Ints) -> Questions:
    """The students' messages among these, `tutor` (messages,) being their codes; those naming no student are none."""
    sent_at, pair, n_pairs = microseconds(messages["sent_at"]), *_pairs(messages, tutor)
    by_time = np.argsort(sent_at, kind="stable")
    wrote = np.where(equals(messages["sender"], Party.TUTOR), pair, -1)[by_time]
    answers = Stream.build(wrote, sent_at[by_time], n_pairs, {})
    asked = np.flatnonzero(equals(messages["sender"], Party.STUDENT) & (pair >= 0))
    # The first message of the tutor strictly after the question.
    place = positions(answers.starts, answers.known, pair[asked], sent_at[asked] + 1)
    answered = place < answers.starts[pair[asked] + 1]
    answered_at = np.full(asked.size, -1)
    answered_at[answered] = answers.known[place[answered]]
    return Questions(tutor[asked], sent_at[asked], answered_at)


def _pairs(messages: pa.Table, tutor: Ints) -> tuple[Ints, int]:
    """A code (messages,) for each pair of tutor and student that ever wrote, -1 where either is unknown."""
    students = array(messages["student_id"]).dictionary_encode()
    student = codes(students.indices)
    keys = pa.array(tutor * len(students.dictionary) + student, mask=(tutor < 0) | (student < 0))
    pairs = pc.drop_null(pc.unique(keys))
    return codes(pc.index_in(keys, pairs)), len(pairs)
