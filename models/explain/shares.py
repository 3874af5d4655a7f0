"""Words for a shrunk share: the counts behind it."""

import numpy as np

from features.catalogue import FEATURES
from models.explain.words import describe


def describe_share(column: str, events: float, sessions: float, value: float, typical: float, when: str = "") -> str:
    """Returns a shrunk share by its counts: "3 of 9 Thursday evening sessions so far were missed; usual: 1 in 30".

    `value` is the shrunk share, used alone for a tutor without such sessions; NaN where it is missing.
    """
    counts = FEATURES[column].counts
    if np.isnan(value) or counts is None:
        return describe(column, value)
    which = counts.population.format(when=when)
    if not sessions:
        return f"no {which}: the marketplace's usual, {one_in(value)}"
    if sessions == 1:
        which = which.replace("sessions", "session", 1).replace("reschedules", "reschedule", 1)
    were = "was" if sessions == 1 else "were"
    return f"{round(events):,} of {round(sessions):,} {which} {were} {counts.outcome}; usual: {one_in(typical)}"


def one_in(share: float) -> str:
    """Returns a fraction in words: `1 in 30`, or `6 in 10` from two in five."""
    if share <= 0:
        return "none"
    if share >= 0.4:
        return f"{round(10 * share)} in 10"
    return f"1 in {float(f'{1 / share:.2g}'):,.0f}"
