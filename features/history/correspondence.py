"""Messages from students to tutors, and the tutors' replies."""

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
    """Messages from students to tutors: (questions,) each, times in UTC microseconds.

    `answered_at` is when the tutor next wrote to that student, -1 if not yet.
    """

    tutor: Ints
    sent_at: Ints
    answered_at: Ints


def questions(messages: pa.Table, tutor: Ints) -> Questions:
    """Find the messages from named students and the replies. `tutor` (messages,) are the messages' tutor codes."""
    sent_at, pair, n_pairs = microseconds(messages["sent_at"]), *_pairs(messages, tutor)
    by_time = np.argsort(sent_at, kind="stable")
    wrote = np.where(equals(messages["sender"], Party.TUTOR), pair, -1)[by_time]
    answers = Stream.build(wrote, sent_at[by_time], n_pairs, {})
    sent = np.flatnonzero(equals(messages["sender"], Party.STUDENT) & (pair >= 0))
    # The tutor's first message strictly after the question.
    reply = positions(answers.starts, answers.known, pair[sent], sent_at[sent] + 1)
    answered = reply < answers.starts[pair[sent] + 1]
    answered_at = np.full(sent.size, -1)
    answered_at[answered] = answers.known[reply[answered]]
    return Questions(tutor[sent], sent_at[sent], answered_at)


def _pairs(messages: pa.Table, tutor: Ints) -> tuple[Ints, int]:
    """Code of each message's pair of tutor and student (messages,), -1 where either is unknown; number of pairs."""
    students = array(messages["student_id"]).dictionary_encode()
    student = codes(students.indices)
    keys = pa.array(tutor * len(students.dictionary) + student, mask=(tutor < 0) | (student < 0))
    pairs = pc.drop_null(pc.unique(keys))
    return codes(pc.index_in(keys, pairs)), len(pairs)
