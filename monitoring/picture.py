"""Plot of the columns that drifted furthest, training window and last week, for the mail."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

MOST = 5
_INK, _BEFORE, _NOW = "#22313f", "#9aa5b1", "#c2571a"
_LABELS = ("training window", "last week")
_BINS = 24


def picture(
    columns: Sequence[tuple[str, str]], before: pd.DataFrame, now: pd.DataFrame, categories: Mapping[str, Sequence[str]]
) -> bytes:
    """PNG bytes: one plot of `before` and `now` for each of the first five (column, title) pairs; empty for none.

    Numeric columns are histograms between their 1st and 99th percentile. Columns in `categories` are bars in the order
    of its names. Both show shares of the rows that have a value.
    """
    shown = columns[:MOST]
    if not shown:
        return b""
    figure = Figure(figsize=(6.8, 1.75 * len(shown)), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for place, (column, title) in enumerate(shown):
        axes = figure.add_subplot(len(shown), 1, place + 1)
        _draw(axes, before[column].dropna(), now[column].dropna(), categories.get(column))
        axes.set_title(title, loc="left", color=_INK, fontsize=10)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.set_yticks([])
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=96)
    return buffer.getvalue()


def _draw(axes: Axes, before: pd.Series, now: pd.Series, names: Sequence[str] | None) -> None:
    if names is not None:
        _bars(axes, before, now, names)
        return
    both = np.concatenate([before, now])
    low, high = np.percentile(both, [1, 99])
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    for values, color, label in zip((before, now), (_BEFORE, _NOW), _LABELS, strict=True):
        # Values outside the edges are clipped to them, so that the shares of each window sum to 1.
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        axes.stairs(counts / max(len(values), 1), edges, color=color, fill=color == _BEFORE, linewidth=1.8, label=label)


def _bars(axes: Axes, before: pd.Series, now: pd.Series, names: Sequence[str]) -> None:
    places = np.arange(len(names))
    for values, shift, color, label in zip((before, now), (-0.2, 0.2), (_BEFORE, _NOW), _LABELS, strict=True):
        shares = [float((values == name).mean()) if len(values) else 0.0 for name in names]
        axes.bar(places + shift, shares, 0.38, color=color, label=label)
    axes.set_xticks(places, names)
