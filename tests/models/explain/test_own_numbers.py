import numpy as np

from models.artifact.matrix import query_rows
from models.explain.explanation import NO_HISTORY_WORDS, explain
from models.explain.groups import NO_HISTORY
from models.explain.own_numbers import OwnNumbers, own_numbers
from tests.lib.explained import (
    SLOT,
    model_to_explain,
    noisy_columns,
    slot_history,
    slot_queries,
    small_booster,
    themes_and_texts,
)


def test_a_share_is_told_by_the_tutors_own_counts() -> None:
    numbers = OwnNumbers({"no_show_rate": (np.array([4.0]), np.array([9.0]))}, np.array([False]))
    expected = [("no-shows", "missed 4 of 9 sessions so far (usual 1 in 10)")]
    assert themes_and_texts([0.9, 0, 0], [0.3, 40, 2], numbers) == expected
    model = model_to_explain(small_booster(noisy_columns(2), 1, 1), features=("no_shows_lifetime", "no_show_rate"))
    (reasons,) = explain(model, np.array([[3, 0.3]], np.float32), numbers, np.array([[0.9, 0, 0]]))
    assert [reason.text for reason in reasons] == ["missed 4 of 9 sessions so far (usual 1 in 10)"]


def test_of_a_tutor_without_a_session_only_what_is_known_is_told() -> None:
    numbers = OwnNumbers({"no_show_rate": (np.array([0.0]), np.array([0.0]))}, np.array([True]))
    assert themes_and_texts([0.9, 0.3, -0.1], [0.1, np.nan, 0], numbers) == [(NO_HISTORY, NO_HISTORY_WORDS)]


def test_the_own_numbers_are_the_raw_counts_at_that_time_of_the_week() -> None:
    history = slot_history()
    model = model_to_explain(small_booster(noisy_columns(3), 1, 1), features=SLOT)
    rows = query_rows(model.sidecar, history, slot_queries(history))
    numbers = own_numbers(model.sidecar, rows.past)
    events, sessions = numbers.counts["own_slot_no_show_rate"]
    assert (events.tolist(), sessions.tolist()) == ([2, 0], [3, 0])
    ann, ben = explain(model, rows.matrix, numbers, np.array([[0.9, 0.1, 0.1, 0], [0.9, 0.1, 0.1, 0]]))
    assert ann[0].text == "missed 2 of 3 Thursday evening sessions so far (usual 1 in 10)"
    assert [reason.text for reason in ben] == [NO_HISTORY_WORDS, "on a Thursday"]
