"""Promotion rules derived from the ledger of each version."""

import pytest

from domain.promotion import Action, challenger, champions, last_number

CANDIDATE, REFUSED, CHALLENGER = Action.CANDIDATE, Action.REFUSED, Action.CHALLENGER
CHAMPION, ROLLBACK = Action.CHAMPION, Action.ROLLBACK


@pytest.mark.parametrize(
    ("record", "serving"),
    [
        ([], []),
        ([(CANDIDATE, "1"), (REFUSED, "1")], []),
        ([(CHAMPION, "1"), (CANDIDATE, "2"), (CHALLENGER, "2")], ["1"]),
        ([(CHAMPION, "1"), (CHAMPION, "2"), (CHAMPION, "3")], ["1", "2", "3"]),
        ([(CHAMPION, "1"), (CHAMPION, "2"), (ROLLBACK, "1")], ["1"]),
        ([(CHAMPION, "1"), (CHAMPION, "2"), (CHAMPION, "3"), (ROLLBACK, "2"), (ROLLBACK, "1")], ["1"]),
        ([(CHAMPION, "1"), (CHAMPION, "2"), (ROLLBACK, "1"), (CHAMPION, "2")], ["1", "2"]),
        ([(CHAMPION, "1"), (CHAMPION, "1")], ["1"]),
        ([(CHAMPION, "1"), (CHAMPION, "2"), (CHAMPION, "1"), (CHAMPION, "3"), (ROLLBACK, "1")], ["1", "2", "1"]),
    ],
)
def test_a_rollback_goes_back_one_champion_and_a_second_one_further(
    record: list[tuple[Action, str]], serving: list[str]
) -> None:
    assert champions(record) == serving


@pytest.mark.parametrize(
    ("record", "shadow"),
    [
        ([(CHAMPION, "1")], None),
        ([(CHAMPION, "1"), (CHALLENGER, "2")], "2"),
        ([(CHAMPION, "1"), (CHALLENGER, "2"), (REFUSED, "3")], "2"),
        ([(CHAMPION, "1"), (CHALLENGER, "2"), (CHALLENGER, "3")], "3"),
        ([(CHAMPION, "1"), (CHALLENGER, "2"), (CHAMPION, "2")], None),
        ([(CHAMPION, "1"), (CHAMPION, "2"), (CHALLENGER, "3"), (ROLLBACK, "1")], "3"),
    ],
)
def test_the_newest_challenger_waits_until_a_champion_is_made(
    record: list[tuple[Action, str]], shadow: str | None
) -> None:
    assert challenger(record) == shadow


def test_the_last_number_is_the_highest_and_other_names_are_passed_over() -> None:
    assert last_number(["no_show/2", "no_show/10", "no_show/old"]) == 10
    assert last_number([]) == 0
