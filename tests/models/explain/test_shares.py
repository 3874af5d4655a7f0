import numpy as np
import pytest

from models.explain.shares import describe_share, one_in


@pytest.mark.parametrize(
    ("column", "events", "sessions", "place", "words"),
    [
        ("own_slot_no_show_rate", 3, 9, "Thursday evening", "3 of 9 Thursday evening sessions so far were missed"),
        ("no_show_rate", 1, 1, "", "1 of 1 session so far was missed"),
        ("illness_share_90d", 2, 1234, "", "2 of 1,234 reschedules of the last 90 days were because of illness"),
    ],
)
def test_a_share_is_said_by_its_counts(column: str, events: int, sessions: int, place: str, words: str) -> None:
    assert describe_share(column, events, sessions, 0.2, 1 / 30, place) == f"{words}; usual: 1 in 30"


def test_a_share_of_nothing_yet_is_the_marketplaces() -> None:
    said = describe_share("own_slot_no_show_rate", 0, 0, 1 / 143, 1 / 30, "Thursday evening")
    assert said == "no Thursday evening sessions so far: the marketplace's usual, 1 in 140"
    assert describe_share("late_share", 0, 0, np.nan, 0.1) == "no start recorded yet"


@pytest.mark.parametrize(("share", "words"), [(0.0, "none"), (0.007, "1 in 140"), (1 / 3, "1 in 3"), (0.62, "6 in 10")])
def test_a_share_is_counted_as_people_do(share: float, words: str) -> None:
    assert one_in(share) == words
