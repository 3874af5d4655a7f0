from datetime import timedelta

import pytest

from monitoring import findings as judge
from monitoring.findings import Level


@pytest.mark.parametrize(("seconds", "level"), [(1, Level.OK), (-5, Level.WARNING), (40, Level.FAULT)])
def test_clocks_that_differ_are_reported(seconds: int, level: Level) -> None:
    assert judge.judge_clock(timedelta(seconds=seconds)).level is level


@pytest.mark.parametrize(("free", "level"), [(3 << 30, Level.OK), (1 << 30, Level.WARNING), (1 << 20, Level.FAULT)])
def test_a_disk_that_fills_up_is_reported_before_it_is_full(free: int, level: Level) -> None:
    assert judge.judge_disk("/data", free, 100 << 30).level is level
