"""A drift check in words, for people who read mails. Percent are made here, at the surface."""

from collections.abc import Callable

import pandas as pd

from domain.scores import percent
from features.catalogue import CHURN_FEATURES, NO_SHOW_FEATURES
from features.columns import Feature
from monitoring.decision import ColumnDrift, Decision, DriftReport

_FEATURES: dict[str, Feature] = {feature.name: feature for feature in (*NO_SHOW_FEATURES, *CHURN_FEATURES)}
_MOST = 8
_TO_DO = {
    Decision.KEEP: "Nothing.",
    Decision.LOOK: "Please look. The model stays as it is until somebody decides.",
    Decision.RETRAIN: "Train again: python -m flows.train. The weekly run does it too, if nobody is faster.",
}


def change_in_words(column: str, before: pd.Series, now: pd.Series) -> str:
    """How a column's values changed: the mean, or the category whose share moved most."""
    before, now = before.dropna(), now.dropna()
    if before.empty or now.empty:
        return "never any value" if before.empty and now.empty else "a value before, none now" if now.empty else "new"
    if before.dtype == object:
        return _category_change(before, now)
    return f"{_number(column, before.mean())} on average before, {_number(column, now.mean())} now"


def drift_mail(report: DriftReport) -> tuple[str, str]:
    """Subject and text of the mail that goes with a report: what changed, by how much, what to do."""
    subject = f"Drift check: {report.decision} · {report.about}"
    lines = [
        report.reason,
        "",
        f"To do: {_TO_DO[report.decision]}",
        "",
        f"Compared: {report.n_current:,} rows of the last week with {report.n_reference:,} of the training window.",
    ]
    lines += _section("What moved, the furthest first", report.drifted, _moved_line)
    lines += _section("Missing values that changed", report.missing_moved, _missing_line)
    grown = tuple(c for c in report.columns if c.growing and c.drifted)
    lines += _section("Rises with the calendar, not counted", grown, _moved_line)
    lines += ["", "The attached page shows every column. It opens in a browser and loads nothing from the internet."]
    return subject, "\n".join(lines) + "\n"


def _section(title: str, columns: tuple[ColumnDrift, ...], line: Callable[[ColumnDrift], str]) -> list[str]:
    if not columns:
        return []
    more = [f"- and {len(columns) - _MOST} more"] if len(columns) > _MOST else []
    return ["", f"{title}:", *(line(column) for column in columns[:_MOST]), *more]


def _moved_line(drift: ColumnDrift) -> str:
    return f"- {_meaning(drift.column)}: {drift.words} (distance {drift.score:.2f}, limit {drift.threshold:.2f})"


def _missing_line(drift: ColumnDrift) -> str:
    return (
        f"- {_meaning(drift.column)}: missing in {percent(drift.missing_before)} of rows before, "
        f"{percent(drift.missing_now)} now"
    )


def _meaning(column: str) -> str:
    """The column's meaning in the catalogue, unless that leans on its neighbour's, or there is none."""
    feature = _FEATURES.get(column)
    if feature is None or feature.meaning.startswith("The same"):
        return column.replace("_", " ")
    return feature.meaning.rstrip(".")


def _category_change(before: pd.Series, now: pd.Series) -> str:
    shares = pd.DataFrame({"before": before.value_counts(normalize=True), "now": now.value_counts(normalize=True)})
    shares = shares.fillna(0.0)
    most = str((shares["now"] - shares["before"]).abs().idxmax())
    return f"{most}: {percent(shares.loc[most, 'before'])} of rows before, {percent(shares.loc[most, 'now'])} now"


def _number(column: str, value: float) -> str:
    feature = _FEATURES.get(column)
    if feature and feature.unit.startswith("share"):
        return percent(value)
    unit = f" {feature.unit}" if feature and feature.unit.isalpha() else ""
    return f"{value:,.0f}{unit}" if abs(value) >= 100 else f"{value:.3g}{unit}"
