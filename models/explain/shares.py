"""Words for a shrunk share: the counts behind it."""

from features.catalogue import FEATURES


def describe_share(column: str, events: float, sessions: float, typical: float, when: str = "") -> str:
    """Returns a share by its counts: "missed 3 of 9 Thursday evening sessions so far (usual 1 in 30)".

    Empty where the tutor's own share is the usual one in words. `column` has counts; `sessions` is not 0.
    """
    if one_in(events / sessions) == one_in(typical):
        return ""
    counts = FEATURES[column].counts
    if counts is None:
        raise ValueError(f"{column} has no counts")
    text = counts.sentence.format(share=f"{round(events):,} of {round(sessions):,}", when=when)
    if round(sessions) == 1:
        text = text.replace("sessions", "session", 1).replace("reschedules", "reschedule", 1)
    return f"{text} (usual {one_in(typical)})"


def one_in(share: float) -> str:
    """Returns a fraction in words: `1 in 30`, or `6 in 10` from two in five."""
    if share <= 0:
        return "none"
    if share >= 0.4:
        return f"{round(10 * share)} in 10"
    return f"1 in {float(f'{1 / share:.2g}'):,.0f}"
