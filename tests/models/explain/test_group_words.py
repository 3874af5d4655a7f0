"""Rates of groups in words."""

import pytest

from features.base.dataset import OF_STUDENTS, Group
from features.columns.group_rates import RATES
from models.explain.group_words import describe_group

OF_ORIGIN = Group("sessions", "origin")


@pytest.mark.parametrize(
    ("group", "rate", "counts", "text"),
    [
        (
            OF_ORIGIN,
            1,
            (4, 52),
            "4 of 52 sessions with the same origin in the last 30 days were missed (usual 1 in 50)",
        ),
        (OF_ORIGIN, 2, (1, 1), "1 of 1 session with the same origin on the day before was missed (usual 1 in 50)"),
        (OF_ORIGIN, 2, (2, 100), ""),
        (OF_STUDENTS, 0, (2, 30), "2 of 30 sessions with the same student so far were missed (usual 1 in 50)"),
        (
            Group("tutors", "home_region"),
            0,
            (2, 30),
            "2 of 30 sessions of tutors with the same home region so far were missed (usual 1 in 50)",
        ),
        (OF_ORIGIN, 0, None, "1 in 10 sessions with the same origin so far missed (usual 1 in 50)"),
    ],
)
def test_a_rate_of_a_group_in_words(group: Group, rate: int, counts: tuple[float, float] | None, text: str) -> None:
    assert describe_group(group, RATES[rate], 0.1, 0.02, counts) == text
