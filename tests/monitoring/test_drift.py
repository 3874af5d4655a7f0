import html as html_module
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.mail import Mail
from features.base.local_time import WEEKDAYS
from gateways.mail import compose
from monitoring.decision import Decision, DriftReport
from monitoring.drift import drift_report
from monitoring.words import drift_mail

Columns = dict[str, NDArray[np.float32]]


def _window(n: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    found = {
        "no_show_rate": rng.beta(2, 30, n),
        "silence_hours": rng.exponential(20, n),
        "load_7d": rng.poisson(17, n),
        "tenure_days": rng.uniform(0, 400, n),
        "weekday": rng.integers(0, 7, n),
        "rating_90d": np.full(n, np.nan),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


def _report(reference: Columns, current: Columns) -> DriftReport:
    return drift_report(
        reference, current, about="no-show model", categories={"weekday": WEEKDAYS}, growing={"tenure_days"}, seed=0
    )


def _mail(report: DriftReport) -> Mail:
    return drift_mail(report, "ann@example.org", "https://tutors.example.org/reports/drift-2026-03-02.html")


@pytest.fixture(scope="module")
def drifted() -> DriftReport:
    current = _window(3000, 1)
    current["silence_hours"] *= 2
    current["weekday"] = np.where(current["weekday"] > 4, np.float32(0), current["weekday"])
    current["tenure_days"] += 100
    return _report(_window(25_000, 0), current)


@pytest.fixture(scope="module")
def quiet() -> DriftReport:
    return _report(_window(3000, 0), _window(2000, 1))


def test_two_samples_of_the_same_marketplace_keep_the_model(quiet: DriftReport) -> None:
    assert quiet.drifted == ()
    assert quiet.share_drifted == 0
    assert quiet.decision is Decision.KEEP


def test_planted_drift_is_found_in_those_columns_and_no_other(drifted: DriftReport) -> None:
    assert {c.column for c in drifted.drifted} == {"silence_hours", "weekday"}
    assert drifted.share_drifted == 2 / 5
    assert drifted.decision is Decision.RETRAIN


def test_counts_are_those_of_the_windows_not_of_the_drawn_rows(drifted: DriftReport) -> None:
    assert (drifted.n_reference, drifted.n_current) == (25_000, 3000)


def test_a_column_that_rises_with_the_calendar_is_shown_but_not_counted(drifted: DriftReport) -> None:
    tenure = next(c for c in drifted.columns if c.column == "tenure_days")
    assert tenure.drifted
    assert tenure not in drifted.drifted
    assert "Rises with the calendar, not counted:\n- Days since the tutor joined" in _mail(drifted).text


def test_an_all_missing_column_neither_drifts_nor_fails(quiet: DriftReport) -> None:
    rating = next(c for c in quiet.columns if c.column == "rating_90d")
    assert (rating.drifted, rating.missing_moved, rating.words) == (False, False, "never any value")


def test_a_column_that_went_empty_asks_for_a_look_at_the_data_before_any_training() -> None:
    current = _window(1000, 1)
    current["silence_hours"][:] = np.nan
    report = _report(_window(1000, 0), current)
    assert report.decision is Decision.LOOK
    assert "silence hours" in report.reason
    assert "missing in 0.0 % of rows before, 100 % now" in _mail(report).text


def test_an_empty_week_is_an_answer_and_not_a_crash() -> None:
    report = _report(_window(1000, 0), _window(0, 1))
    assert report.decision is Decision.LOOK
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


def test_the_mail_says_what_changed_by_how_much_and_what_to_do(drifted: DriftReport) -> None:
    mail = _mail(drifted)
    subject, text = mail.subject, mail.text
    assert subject == "Drift check: retrain · no-show model"
    assert text.startswith("2 of 5 columns look different from what the model was trained on")
    assert re.search(
        r"- Hours since the tutor last wrote to anyone: (19|20)\S* hours on average before, (39|4\d)", text
    )
    assert re.search(r"- Weekday of the session in the tutor's zone: Monday: 14 % of rows before, 4\d % now", text)
    assert "To do: Run `tqs train`" in text
    assert "https://tutors.example.org/reports/drift-2026-03-02.html" in text


def test_the_mail_in_html_says_the_same_shows_what_moved_and_links_to_the_full_page(drifted: DriftReport) -> None:
    mail = _mail(drifted)
    html = html_module.unescape(mail.html or "")
    for line in filter(None, mail.text.splitlines()):
        assert line.removeprefix("- ").removeprefix("To do: ").removesuffix(":")[:40] in html or "sign in" in line
    assert '<a href="https://tutors.example.org/reports/drift-2026-03-02.html"' in html
    assert mail.attachment is not None
    assert f'src="cid:{mail.attachment.name}"' in html
    assert mail.attachment.content.startswith(b"\x89PNG")


def test_the_mail_weighs_under_300_kb_whatever_the_page_weighs(drifted: DriftReport) -> None:
    assert len(drifted.html) > 1_000_000
    sent = compose(_mail(drifted), "quality@example.org", "drift 2026-03-02", datetime(2026, 3, 2, tzinfo=UTC))
    assert len(sent.as_bytes()) < 300_000


def test_a_quiet_week_has_no_picture(quiet: DriftReport) -> None:
    mail = _mail(quiet)
    assert mail.attachment is None
    assert "cid:" not in (mail.html or "")
