import numpy as np

from domain.vocabulary import AttributeType, Task
from models.artifact.model import AttributeSpec
from models.explain.evidence import evidence_of
from models.explain.explanation import explain
from models.explain.own_numbers import OwnNumbers
from tests.lib.explained import model_to_explain, noisy_columns, small_booster


def _sides(
    features: tuple[str, ...],
    values: list[float],
    typical: tuple[float, ...],
    counts: dict[str, tuple[int, int]] | None = None,
    **sidecar: object,
) -> list[tuple[bool, bool]]:
    """For each number of one row: does it raise the risk, does it lower it."""
    given = {"features": features, "typical": typical, **sidecar}
    model = model_to_explain(small_booster(noisy_columns(1), 1, 1), **given)
    numbers = OwnNumbers({name: (np.array([a * 1.0]), np.array([b * 1.0])) for name, (a, b) in (counts or {}).items()})
    evidence = evidence_of(model.sidecar, np.array([values], np.float32), numbers)
    return list(zip(evidence.raises[0].tolist(), evidence.lowers[0].tolist(), strict=True))


RAISES, LOWERS, NEITHER, BOTH = (True, False), (False, True), (False, False), (True, True)


def test_a_number_raises_on_its_worse_side_lowers_on_the_other_and_does_neither_where_it_is_the_usual_one() -> None:
    names = ("silence_hours", "messages_14d", "kept_streak", "late_minutes_90d")
    assert _sides(names, [9, 9, 9, 9], (5, 5, 5, 9)) == [RAISES, LOWERS, LOWERS, NEITHER]


def test_a_multiple_of_the_own_usual_raises_only_beyond_it_and_the_typical_multiple() -> None:
    assert _sides(("silence_ratio",), [0.8], (0.5,)) == [NEITHER]
    assert _sides(("silence_ratio",), [1.2], (0.5,)) == [RAISES]
    assert _sides(("silence_ratio",), [0.4], (0.5,)) == [LOWERS]


def test_a_value_without_order_lies_on_both_sides() -> None:
    seen = AttributeSpec(kind="sessions", name="subject", type=AttributeType.CATEGORICAL, categories=("art", "maths"))
    assert _sides(("weekday",), [4, 1], (2, 0), attributes=(seen,)) == [BOTH, BOTH]
    assert _sides(("weekday",), [4, np.nan], (2, 0), attributes=(seen,)) == [BOTH, NEITHER]


def test_a_missing_value_raises_a_risk_only_where_nothing_happened() -> None:
    assert _sides(("silence_hours", "holiday"), [np.nan, np.nan], (5, 0)) == [RAISES, NEITHER]


def test_counts_are_compared_with_the_usual_share_and_not_the_shrunk_one() -> None:
    share, events = "reschedule_rate_30d", "reschedules_30d"
    for number, side in ((1, LOWERS), (9, RAISES), (0, LOWERS)):
        assert _sides((events, share), [3, 0.2], (2, 0.125), {share: (number, 26)}) == [side, side]
    assert _sides((events, share), [3, 0.2], (2, 0.125), {share: (0, 0)}) == [NEITHER, NEITHER]


def test_the_factor_is_that_of_the_nearest_end_of_the_interval_and_0_within_it() -> None:
    model = model_to_explain(small_booster(noisy_columns(1), 1, 1), features=("no_show_rate",), task=Task.NO_SHOW)
    matrix = np.full((3, 1), 0.1, np.float32)
    numbers = OwnNumbers({"no_show_rate": (np.array([90.0, 1, 0]), np.array([100.0, 9, 400]))})
    many, chance, none = evidence_of(model.sidecar, matrix, numbers).factor[:, 0].tolist()
    assert 8 < np.exp(many) < 9
    assert chance == 0
    assert none < -1


def test_without_a_declared_side_a_number_is_quoted_on_the_side_that_went_with_the_outcome() -> None:
    def themes(value: float, directions: tuple[int, ...]) -> list[str]:
        model = model_to_explain(
            small_booster(noisy_columns(1), 1, 1), features=("load_7d",), directions=directions, typical=(5,)
        )
        return [r.theme for r in explain(model, np.array([[value]], np.float32), None, np.array([[0.5, 0]]))[0]]

    assert themes(9, (1,)) == themes(0, (-1,)) == ["load"]
    assert themes(9, (-1,)) == themes(9, (0,)) == themes(9, ()) == []
