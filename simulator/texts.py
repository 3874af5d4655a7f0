"""Generated texts with a hidden class or quality: reschedule reasons, session transcripts."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import ReasonCode
from simulator.tutors import Floats, Ints

REASON_TEXTS: dict[ReasonCode, tuple[str, ...]] = {
    ReasonCode.ILLNESS: (
        "Woke up with a fever, can we move this?",
        "I have the flu, sorry.",
        "Doctor's appointment I could not shift.",
    ),
    ReasonCode.FAMILY: (
        "My daughter has a school event.",
        "Family visit came up.",
        "Need to pick up the kids that day.",
    ),
    ReasonCode.TECHNICAL: (
        "Internet is down in our area.",
        "My laptop died, waiting for the repair.",
        "Power outage here.",
    ),
    ReasonCode.SCHEDULE_CONFLICT: (
        "I was double booked at that hour.",
        "There is a conflict with another lesson.",
        "My exam was put on the same time.",
    ),
    ReasonCode.OTHER_WORK: (
        "My shift at my other job changed.",
        "Meeting at work I cannot miss.",
        "Boss asked me to stay late.",
    ),
    ReasonCode.STUDENT_REQUEST: (
        "The student asked for another day.",
        "Parent asked to move it.",
        "Student requested a later hour.",
    ),
    ReasonCode.UNCLEAR: ("Something came up.", "Cannot make it, sorry.", "Need to move this one."),
}
REASONS = tuple(REASON_TEXTS)
REASON_SHARES = (0.16, 0.14, 0.12, 0.24, 0.16, 0.06, 0.12)
CODED_SHARE = 0.5
"""Share of reschedules with a reason code."""

OPENINGS = ("tutor: Hi, good to see you! How was school?", "tutor: Hello, shall we start?", "tutor: Hi there, ready?")
PROBLEMS = (
    "student: I do not get why 3/4 plus 1/2 is not 4/6.",
    "student: I got 12 for 8 times 7, is it right?",
    "student: Why does the verb change in the past tense?",
    "student: I do not know how to start this essay.",
)
POOR = (
    "tutor: No, that is wrong. It is the other answer.",
    "tutor: Just memorise it.",
    "tutor: We have little time, next one.",
    "tutor: I already told you that.",
)
PLAIN = (
    "tutor: Let me show you how it is done.",
    "tutor: The rule is on page four, look there.",
    "tutor: Almost, try again.",
    "tutor: Good, next exercise.",
)
GOOD = (
    "tutor: Good try! What made you choose that step?",
    "tutor: Let us draw it. What do you see in the picture?",
    "tutor: You are close: which part are you sure of?",
    "tutor: Can you explain it to me in your own words?",
)
ANSWERS = (
    "student: Ok.",
    "student: I think I see it.",
    "student: Can you say that again?",
    "student: So it is the same as before?",
    "student: Yes!",
)
CLOSINGS = ("tutor: See you next week.", "tutor: Well done today, see you!", "tutor: That is all for today.")


# fmt: off
FIRST_NAMES = (
    "Alex", "Ana", "Ben", "Chloe", "Dana", "Eli", "Grace", "Hana",
    "Ivan", "Jo", "Kim", "Lena", "Maya", "Noor", "Omar", "Priya",
)
SURNAMES = (
    "Adams", "Bauer", "Cruz", "Diaz", "Evans", "Fischer", "Gupta",
    "Hughes", "Iyer", "Jones", "Khan", "Lopez", "Miller", "Reyes",
)
# fmt: on


def names(n: int, rng: np.random.Generator) -> pa.Array:
    """Draw names of n people."""
    return pc.binary_join_element_wise(_any(FIRST_NAMES, n, rng), _any(SURNAMES, n, rng), " ")


def reason_classes(n: int, rng: np.random.Generator) -> Ints:
    """Draw hidden classes (n,) of written reasons, as indices into REASONS."""
    return rng.choice(len(REASONS), n, p=REASON_SHARES)


def reason_texts(classes: Ints, rng: np.random.Generator) -> pa.Array:
    """Draw a written reason for each class (n,)."""
    bank = pa.array([text for reason in REASONS for text in REASON_TEXTS[reason]])
    return bank.take(pa.array(classes * 3 + rng.integers(0, 3, classes.size)))


def transcripts(quality: Floats, rng: np.random.Generator) -> pa.Array:
    """Draw a transcript of 9 turns for each hidden quality (n,): higher quality has more questions by the tutor."""
    turns = [_any(OPENINGS, quality.size, rng), _any(PROBLEMS, quality.size, rng)]
    for _ in range(3):
        turns += [_teaching(quality, rng), _any(ANSWERS, quality.size, rng)]
    turns.append(_any(CLOSINGS, quality.size, rng))
    return pc.binary_join_element_wise(*turns, "\n")


def _any(bank: tuple[str, ...], n: int, rng: np.random.Generator) -> pa.Array:
    return pa.array(bank).take(pa.array(rng.integers(0, len(bank), n)))


def _teaching(quality: Floats, rng: np.random.Generator) -> pa.Array:
    level = np.clip(np.round(1 + 0.8 * quality + 0.5 * rng.standard_normal(quality.size)), 0, 2).astype(np.int64)
    return pa.array(POOR + PLAIN + GOOD).take(pa.array(level * 4 + rng.integers(0, 4, quality.size)))
