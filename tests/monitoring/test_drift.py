import re

import numpy as np

from monitoring.decision import DriftDecision, DriftReport
from tests.lib.drift_windows import mail_of, report_of, window


def test_two_samples_of_the_same_marketplace_keep_the_model(quiet: DriftReport) -> None:
    assert quiet.drifted == ()
    assert quiet.share_drifted == 0
    assert quiet.decision is DriftDecision.KEEP


def test_planted_drift_is_found_in_those_columns_and_no_other(drifted: DriftReport) -> None:
    assert {c.column for c in drifted.drifted} == {"silence_hours", "weekday"}
    assert drifted.share_drifted == 2 / 5
    assert drifted.decision is DriftDecision.RETRAIN


def test_counts_are_those_of_the_windows_not_of_the_drawn_rows(drifted: DriftReport) -> None:
    assert (drifted.n_reference, drifted.n_current) == (25_000, 3000)


def test_a_column_that_rises_with_the_calendar_is_shown_but_not_counted(drifted: DriftReport) -> None:
    tenure = next(c for c in drifted.columns if c.column == "tenure_days")
    assert tenure.drifted
    assert tenure not in drifted.drifted
    assert "Rises with the calendar, not counted:\n- Days since the tutor joined" in mail_of(drifted).text


def test_an_all_missing_column_neither_drifts_nor_fails(quiet: DriftReport) -> None:
    rating = next(c for c in quiet.columns if c.column == "rating_90d")
    assert (rating.drifted, rating.missing_moved, rating.change) == (False, False, "no values in either window")


def test_a_column_that_went_empty_asks_for_a_look_at_the_data_before_any_training() -> None:
    current = window(1000, 1)
    current["silence_hours"][:] = np.nan
    report = report_of(window(1000, 0), current)
    assert report.decision is DriftDecision.LOOK
    assert "silence hours" in report.reason
    assert "missing in 0.0 % of rows before, 100 % now" in mail_of(report).text


def test_an_empty_week_is_an_answer_and_not_a_crash() -> None:
    report = report_of(window(1000, 0), window(0, 1))
    assert report.decision is DriftDecision.LOOK
    assert "Too few rows" in report.reason
    assert b"No column has values" in report.html


def test_the_page_forbids_the_browser_to_load_anything_from_elsewhere(quiet: DriftReport) -> None:
    page = quiet.html.decode()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy is not None
    assert page.index(policy.group(0)) < page.index("<script")
    assert policy.group(1).startswith("default-src 'none'")
    assert "http" not in policy.group(1)
    assert not re.search(r'<(script|link|img|iframe)[^>]+(src|href)=["\']?(https?:)?//', page)
