"""Drift of a model's columns between training window and last week, measured by Evidently."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.decision import RETRAIN_SHARE, ColumnDrift, DriftReport, decide
from monitoring.picture import picture
from monitoring.words import change_in_words, meaning

Columns = Mapping[str, NDArray[Any]]

THRESHOLD = 0.1
MOST_ROWS = 20_000
NUMERIC_METHOD = "wasserstein"
CATEGORICAL_METHOD = "jensenshannon"
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)


def drift_report(
    reference: Columns,
    current: Columns,
    *,
    about: str,
    categories: Mapping[str, Sequence[str]],
    growing: Collection[str],
    seed: int,
) -> DriftReport:
    """Compare columns (rows,) of two windows, NaN for missing.

    Numeric columns use the Wasserstein distance in standard deviations of the reference. Categorical columns, the keys
    of `categories`, use the Jensen-Shannon distance; their values index the given names. The threshold of both is 0.1.
    Missing values are left out of the distance and compared by their share. Numeric columns in `growing` rise with the
    calendar (a tenure): they are shown, not counted. At most 20,000 rows per window are drawn, by `seed`. Raises
    KeyError if `current` lacks a column of the reference.
    """
    before, now = (_frame(c, list(reference), categories, seed) for c in (reference, current))
    comparable = [name for name in reference if before[name].notna().any() and now[name].notna().any()]
    scores, html = _measure(before[comparable], now[comparable], categories, growing)
    columns = tuple(
        ColumnDrift(
            column=name,
            score=scores.get(name, 0.0),
            threshold=THRESHOLD,
            change=change_in_words(name, before[name], now[name]),
            missing_before=float(before[name].isna().mean()) if len(before) else 1.0,
            missing_now=float(now[name].isna().mean()) if len(now) else 1.0,
            growing=name in growing,
        )
        for name in reference
    )
    n_reference, n_current = _rows(reference), _rows(current)
    report = DriftReport(about, columns, n_reference, n_current, *decide(columns, n_reference, n_current), html)
    return replace(
        report, picture=picture([(c.column, meaning(c.column)) for c in report.drifted], before, now, categories)
    )


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values()), ()))


def _frame(columns: Columns, names: Sequence[str], categories: Mapping[str, Sequence[str]], seed: int) -> pd.DataFrame:
    n = _rows(columns)
    rows = np.arange(n)
    if n > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False))
    return pd.DataFrame({name: _values(columns[name][rows], categories.get(name)) for name in names})


def _values(values: NDArray[Any], names: Sequence[str] | None) -> pd.Series:
    """A series of floats, or of category names for values that index `names`."""
    if names is None:
        return pd.Series(values.astype(np.float64))
    words = np.array([*names, None], dtype=object)
    places = np.where(np.isnan(values), len(names), values).astype(np.int64)
    return pd.Series(words[places], dtype=object)


def _measure(
    before: pd.DataFrame, now: pd.DataFrame, categories: Collection[str], growing: Collection[str]
) -> tuple[dict[str, float], bytes]:
    """Evidently's distance by column and its page; no distances if no column has values in both windows."""
    if before.columns.empty:
        return {}, _page("<!doctype html><html><head></head><body>No column has values in both windows.</body></html>")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently's own deprecations and divisions, none about the data
        # Imported here: it takes seconds, which only a flow that measures should spend.
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import ValueDrift
        from evidently.presets import DataDriftPreset

        counted = DataDriftPreset(
            columns=[name for name in before if name not in growing],
            drift_share=RETRAIN_SHARE,  # the page's headline then agrees with the decision
            num_method=NUMERIC_METHOD,
            cat_method=CATEGORICAL_METHOD,
            num_threshold=THRESHOLD,
            cat_threshold=THRESHOLD,
        )
        shown = [ValueDrift(column=n, method=NUMERIC_METHOD, threshold=THRESHOLD) for n in before if n in growing]
        definition = DataDefinition(
            numerical_columns=[name for name in before if name not in categories],
            categorical_columns=[name for name in before if name in categories],
        )
        windows = (Dataset.from_pandas(frame, definition) for frame in (now, before))
        run = Report([counted, *shown], include_tests=False).run(*windows)
        page = run.get_html_str(as_iframe=False)
    distances = {m["config"]["column"]: float(m["value"]) for m in run.dict()["metrics"] if "column" in m["config"]}
    return distances, _page(page)


def _page(html: str) -> bytes:
    """The page with a Content-Security-Policy that forbids its scripts to load anything."""
    policy = f'<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    if "<head>" not in html:
        raise ValueError("the report page has no <head> for the security policy: Evidently's template changed")
    return html.replace("<head>", policy, 1).encode()
