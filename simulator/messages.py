"""Who writes to whom. A tutor under stress, or on the way out, writes less."""

from dataclasses import dataclass

import numpy as np

from simulator.settings import MarketSettings, microseconds
from simulator.tutors import DAY, WEEK, Ints, Tutors

WEEKLY_MESSAGES = 9.0
ANSWERED_SHARE = 0.2
TUTOR, STUDENT, PLATFORM = 0, 1, 2


@dataclass(frozen=True)
class Messages:
    """Messages (n,) by time: tutor code, the week's place of the student written to, sender, UTC microseconds."""

    tutor: Ints
    student: Ints
    sender: Ints
    sent_at: Ints


def make_messages(settings: MarketSettings, tutors: Tutors, student_of: Ints, rng: np.random.Generator) -> Messages:
    """Messages up to the present: the tutor's, some answers, and the platform's where a tutor was attended to.

    `student_of` (tutors, weeks) is a student the tutor has that week.
    """
    weeks = np.arange(settings.weeks)
    there = (tutors.first_week[:, None] <= weeks) & (weeks <= tutors.last_week[:, None])
    drive = settings.signal * (0.6 * tutors.engagement - 0.5 * tutors.stress)
    counts = rng.poisson(WEEKLY_MESSAGES * np.exp(drive) * there)
    tutor, week = (np.repeat(found, counts[counts > 0]) for found in np.nonzero(counts))
    begin = microseconds(settings.begin)
    sent_at = begin + week * WEEK + rng.integers(0, WEEK, tutor.size)
    answered = np.flatnonzero(rng.random(tutor.size) < ANSWERED_SHARE)
    cared, care_week = np.nonzero(tutors.attended & there)
    all_weeks = np.concatenate([week, week[answered], care_week])
    parts = {
        "tutor": np.concatenate([tutor, tutor[answered], cared]),
        "sender": np.repeat([TUTOR, STUDENT, PLATFORM], [tutor.size, answered.size, cared.size]),
        "sent_at": np.concatenate(
            [sent_at, sent_at[answered] + rng.integers(1, DAY, answered.size), begin + care_week * WEEK + rng.integers(0, WEEK, cared.size)]
        ),
    }
    student = np.where(parts["sender"] == PLATFORM, -1, student_of[parts["tutor"], all_weeks])
    order = np.argsort(parts["sent_at"], kind="stable")
    seen = order[parts["sent_at"][order] < np.minimum(microseconds(settings.end), tutors.departed_at[parts["tutor"][order]])]
    return Messages(parts["tutor"][seen], student[seen], parts["sender"][seen], parts["sent_at"][seen])
