"""Text and HTML of the drift mail. Percentages are formatted here, at the surface."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from domain.mail import Attachment, Mail
from domain.scores import percent
from features.catalogue import FEATURES
from monitoring.decision import ColumnDrift, DriftDecision, DriftReport

_MOST = 8
PICTURE = "drifted-columns.png"
_TO_DO = {
    DriftDecision.KEEP: "Nothing.",
    DriftDecision.LOOK: "Check the columns below. The model stays in place until a person decides.",
    DriftDecision.RETRAIN: "Run `tqs train`, or wait for the weekly training on Sunday night.",
}


def change_in_words(column: str, before: pd.Series, now: pd.Series) -> str:
    """The change of a column's values: of the mean, or of the category whose share changed most."""
    before, now = before.dropna(), now.dropna()
    if before.empty or now.empty:
        if not before.empty:
            return "values before, none now"
        return "no values in either window" if now.empty else "no values before, values now"
    if before.dtype == object:
        return _category_change(before, now)
    return f"{_number(column, before.mean())} on average before, {_number(column, now.mean())} now"


def drift_mail(report: DriftReport, to: str, link: str) -> Mail:
    """The mail of a report: changes with their size, what to do, and a link to the full page.

    The HTML embeds the picture. The mail has about 100 KB, whatever the size of the page.
    """
    subject = f"Drift check: {report.decision} · {report.about}"
    picture = Attachment(PICTURE, report.picture) if report.picture else None
    return Mail(to, subject, _text(report, link), picture, _html(report, link))


def _text(report: DriftReport, link: str) -> str:
    lines = [report.reason, "", f"What to do: {_TO_DO[report.decision]}", "", _compared(report)]
    for title, moved in _sections(report):
        lines += ["", f"{title}:", *(f"- {line}" for line in moved)]
    lines += ["", "Full report (sign in to the dashboard):", link]
    return "\n".join(lines) + "\n"


def _html(report: DriftReport, link: str) -> str:
    template = (Path(__file__).parent / "templates" / "drift_mail.html").read_text(encoding="utf-8")
    return (
        Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        .from_string(template)
        .render(
            headline=f"Drift check: {report.decision}",
            about=report.about,
            reason=report.reason,
            to_do=_TO_DO[report.decision],
            sections=_sections(report),
            picture=PICTURE if report.picture else None,
            link=link,
            compared=_compared(report),
        )
    )


def _compared(report: DriftReport) -> str:
    return f"Compared: {report.n_current:,} rows of the last week with {report.n_reference:,} of the training window."


def _sections(report: DriftReport) -> list[tuple[str, list[str]]]:
    """Section titles with their lines; empty sections are left out."""
    grown = tuple(c for c in report.columns if c.growing and c.drifted)
    sections = (
        ("Drifted columns, furthest first", report.drifted, _moved_line),
        ("Changed share of missing values", report.missing_moved, _missing_line),
        ("Rises with the calendar, not counted", grown, _moved_line),
    )
    return [(title, _lines(columns, line)) for title, columns, line in sections if columns]


def _lines(columns: tuple[ColumnDrift, ...], line: Callable[[ColumnDrift], str]) -> list[str]:
    more = [f"and {len(columns) - _MOST} more"] if len(columns) > _MOST else []
    return [*map(line, columns[:_MOST]), *more]


def _moved_line(drift: ColumnDrift) -> str:
    return f"{meaning(drift.column)}: {drift.change} (distance {drift.score:.2f}, limit {drift.threshold:.2f})"


def _missing_line(drift: ColumnDrift) -> str:
    return (
        f"{meaning(drift.column)}: missing in {percent(drift.missing_before)} of rows before, "
        f"{percent(drift.missing_now)} now"
    )


def meaning(column: str) -> str:
    """The column's meaning in the catalogue, or its name for a column without one."""
    feature = FEATURES.get(column)
    if feature is None:
        return column.replace("_", " ")
    return feature.meaning.rstrip(".")


def _category_change(before: pd.Series, now: pd.Series) -> str:
    shares = pd.DataFrame({"before": before.value_counts(normalize=True), "now": now.value_counts(normalize=True)})
    shares = shares.fillna(0.0)
    most = str((shares["now"] - shares["before"]).abs().idxmax())
    return f"{most}: {percent(shares.loc[most, 'before'])} of rows before, {percent(shares.loc[most, 'now'])} now"


def _number(column: str, value: float) -> str:
    feature = FEATURES.get(column)
    if feature and feature.unit.startswith("share"):
        return percent(value)
    unit = f" {feature.unit}" if feature and feature.unit.isalpha() else ""
    return f"{value:,.0f}{unit}" if abs(value) >= 100 else f"{value:.3g}{unit}"
