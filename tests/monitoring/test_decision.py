import pytest

from monitoring.decision import MIN_ROWS, ColumnDrift, DriftDecision, decide


def _column(name: str, score: float = 0.0, missing_now: float = 0.0, growing: bool = False) -> ColumnDrift:
    return ColumnDrift(name, score, 0.1, f"words of {name}", 0.0, missing_now, growing)


@pytest.mark.parametrize(
    ("columns", "n", "expected"),
    [
        ((_column("a"), _column("b")), MIN_ROWS, DriftDecision.KEEP),
        ((_column("a", 0.5), *map(_column, "bcdefg")), MIN_ROWS, DriftDecision.LOOK),
        ((_column("a", 0.5), _column("b")), MIN_ROWS, DriftDecision.RETRAIN),
        ((_column("a", 0.5), _column("b", missing_now=0.5)), MIN_ROWS, DriftDecision.LOOK),
        ((_column("a", 0.5, growing=True), _column("b")), MIN_ROWS, DriftDecision.KEEP),
        ((_column("a", 0.5), _column("b")), MIN_ROWS - 1, DriftDecision.LOOK),
        ((), MIN_ROWS, DriftDecision.KEEP),
    ],
)
def test_every_check_ends_in_one_decision(columns: tuple[ColumnDrift, ...], n: int, expected: DriftDecision) -> None:
    decision, reason = decide(columns, 10_000, n)
    assert decision is expected
    assert reason.endswith(".")
