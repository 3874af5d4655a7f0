"""Drift reports, created once per process."""

import numpy as np
import pytest

from monitoring.decision import DriftReport
from tests.lib.drift_windows import report_of, window


@pytest.fixture(scope="session")
def drifted() -> DriftReport:
    current = window(3000, 1)
    current["silence_hours"] *= 2
    current["weekday"] = np.where(current["weekday"] > 4, np.float32(0), current["weekday"])
    current["tenure_days"] += 100
    return report_of(window(25_000, 0), current)


@pytest.fixture(scope="session")
def quiet() -> DriftReport:
    return report_of(window(3000, 0), window(2000, 1))
