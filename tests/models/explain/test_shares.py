import pytest

from models.explain.shares import describe_share, one_in


@pytest.mark.parametrize(
    ("column", "events", "sessions", "place", "words"),
    [
        ("own_slot_no_show_rate", 3, 9, "Thursday evening", "missed 3 of 9 Thursday evening sessions so far"),
        ("no_show_rate", 1, 1, "", "missed 1 of 1 session so far"),
        ("reschedule_rate_7d", 0, 12, "", "moved 0 of 12 sessions in the last 7 days"),
        ("illness_share_90d", 2, 1234, "", "requested 2 of 1,234 reschedules in the last 90 days because of illness"),
    ],
)
def test_a_share_is_described_by_its_counts(column: str, events: int, sessions: int, place: str, words: str) -> None:
    assert describe_share(column, events, sessions, 1 / 30, place) == f"{words} (usual 1 in 30)"


def test_a_share_that_is_the_usual_one_in_words_is_not_described() -> None:
    assert describe_share("reschedule_rate_30d", 2, 16, 0.128) == ""


@pytest.mark.parametrize(("share", "words"), [(0.0, "none"), (0.007, "1 in 140"), (1 / 3, "1 in 3"), (0.62, "6 in 10")])
def test_a_share_is_counted_as_people_do(share: float, words: str) -> None:
    assert one_in(share) == words
