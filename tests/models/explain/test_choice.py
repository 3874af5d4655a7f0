import numpy as np

from models.explain.explanation import explain
from models.explain.own_numbers import OwnNumbers
from tests.lib.explained import model_to_explain, noisy_columns, small_booster

DIRECT = ("no_show_rate", "own_slot_no_show_rate", "late_minutes_90d", "silence_hours", "pair_sessions")


def _themes(
    contributions: list[float], values: list[float], about_tutor: bool = False, **counts: tuple[int, int]
) -> list[str]:
    """Themes of the reasons of one session, with the counts (events, sessions) behind its shares."""
    model = model_to_explain(small_booster(noisy_columns(5), 1, 1), features=DIRECT, typical=(0.1, 0.1, 0.1, 0.1, 4))
    numbers = OwnNumbers({name: (np.array([float(a)]), np.array([float(b)])) for name, (a, b) in counts.items()})
    row, parts = np.array([values], np.float32), np.array([[*contributions, 0.0]])
    return [reason.theme for reason in explain(model, row, numbers, parts, about_tutor)[0]]


def test_missed_sessions_precede_lateness_of_their_group_and_every_correlate() -> None:
    late, silent = [0.0, 0.0, 0.9, 1.5, 0.0], [0.3, 0, 3, 40, 0]
    assert _themes(late, silent, no_show_rate=(6, 15)) == ["no-shows", "silence"]
    assert _themes(late, silent, no_show_rate=(1, 9)) == ["silence", "lateness"]  # chance, where 1 in 10 is usual


def test_a_time_of_week_is_quoted_only_where_it_is_clearly_worse_than_all_sessions() -> None:
    late, values = [0.0, 0.0, 0.9, 0.0, 0.0], [0.3, 0.3, 3, 0, 0.1]
    assert _themes(late, values, no_show_rate=(30, 90), own_slot_no_show_rate=(4, 9)) == ["no-shows"]
    assert _themes(late, values, no_show_rate=(18, 90), own_slot_no_show_rate=(9, 9)) == ["no-shows at this time"]


def test_reasons_about_a_tutor_quote_nothing_about_one_session() -> None:
    new_pair = [0, 0, 0, 0, 0.5], [0, 0, 0, 0, 0]
    assert _themes(*new_pair) == ["pair"]
    assert _themes(*new_pair, about_tutor=True) == []
