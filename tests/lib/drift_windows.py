"""Windows of columns with planted drift, their drift report and its mail."""

import numpy as np
from numpy.typing import NDArray

from domain.mail import Mail
from features.base.local_time import WEEKDAYS
from monitoring.decision import DriftReport
from monitoring.drift import drift_report
from monitoring.words import drift_mail

Columns = dict[str, NDArray[np.float32]]


def window(n: int, seed: int) -> Columns:
    """A window of columns of shape (n,)."""
    rng = np.random.default_rng(seed)
    columns = {
        "no_show_rate": rng.beta(2, 30, n),
        "silence_hours": rng.exponential(20, n),
        "load_7d": rng.poisson(17, n),
        "tenure_days": rng.uniform(0, 400, n),
        "weekday": rng.integers(0, 7, n),
        "rating_90d": np.full(n, np.nan),
    }
    return {name: values.astype(np.float32) for name, values in columns.items()}


def report_of(reference: Columns, current: Columns) -> DriftReport:
    """Drift report of the current window against the reference."""
    return drift_report(
        reference, current, about="no-show model", categories={"weekday": WEEKDAYS}, growing={"tenure_days"}, seed=0
    )


def mail_of(report: DriftReport) -> Mail:
    """The mail about a report."""
    return drift_mail(report, "ann@example.org", "https://tutors.example.org/reports/drift-2026-03-02.html")
