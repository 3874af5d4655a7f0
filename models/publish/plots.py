"""Plots of an evaluation, as PNG bytes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.artifact.model import Model
from models.evaluate.metrics import Evaluation, Origin
from models.evaluate.rolling import decay as weekly_means

_INK, _BLUE, _GREY = "#22313f", "#2468b4", "#8a949e"
_MOST_COLUMNS = 15


class Drawable(Protocol):
    """Data of the plots; a Training satisfies it."""

    @property
    def model(self) -> Model:
        """The model, for its task."""

    @property
    def evaluation(self) -> Evaluation:
        """Curves, figures and counts."""

    @property
    def importance(self) -> dict[str, float]:
        """Each column's share of the absolute contributions, 0..1."""


def plots(training: Drawable) -> dict[str, bytes]:
    """Returns PNG bytes of `reliability`, `precision_recall`, `importance` and, with rolling origins, `decay`."""
    task, origins = training.model.sidecar.task.replace("_", "-"), training.evaluation.origins
    drawn = {} if not any(origin.figures for origin in origins) else {"decay": decay(origins, task)}
    return drawn | {
        "reliability": reliability(training.evaluation, task),
        "precision_recall": precision_recall(training.evaluation, task),
        "importance": importance(training.importance, task),
    }


def reliability(evaluation: Evaluation, task: str) -> bytes:
    """Plot observed against predicted shares of positives, in ten bins of equal size, with intervals and counts."""
    figure, axes = _canvas(f"Reliability of the {task} model", 6.4, 5.6)
    curves = evaluation.curves
    top = 1.12 * float(max(curves.predicted.max(), curves.high.max(), evaluation.base_rate))
    axes.plot([0, top], [0, top], color=_GREY, linewidth=1, linestyle="--", label="perfect")
    reach = np.vstack([curves.observed - curves.low, curves.high - curves.observed])
    label = f"bins of {curves.count.mean():,.0f} rows, their positives, 95 % by tutor"
    axes.errorbar(
        curves.predicted, curves.observed, yerr=reach, color=_BLUE, marker="o", markersize=5,
        linewidth=1.4, elinewidth=1, capsize=2.5, label=label,
    )  # fmt: skip
    for x, y, positives in zip(curves.predicted, curves.high, curves.observed * curves.count, strict=True):
        axes.annotate(f"{positives:,.0f}", (x, y), (0, 4), textcoords="offset points", ha="center", color=_GREY)
    _base_rate_line(axes, evaluation)
    axes.set(xlim=(0, top), xlabel="predicted probability, mean of the bin", ylabel="observed share of positives")
    axes.set_ylim(bottom=0)
    _percent_axes(axes, fine=top < 0.2)
    axes.legend(loc="upper left", frameon=False)
    _footnote(figure, evaluation, ("ece", "calibration error"), ("brier", "Brier"))
    return _png(figure)


def precision_recall(evaluation: Evaluation, task: str) -> bytes:
    """Plot precision against recall, with the base rate, which is the precision of a random order."""
    figure, axes = _canvas(f"Precision and recall of the {task} model", 6.4, 5.6)
    reached = evaluation.curves.recall > 0  # before the first hit precision is 0, which would draw a spike
    recall, precision = evaluation.curves.recall[reached], evaluation.curves.precision[reached]
    axes.plot(recall, precision, color=_BLUE, linewidth=1.6, label="model")
    for share in (5, 10, 20):
        _mark_top(axes, evaluation, share)
    _base_rate_line(axes, evaluation)
    axes.set(
        xlim=(0, 1),
        xlabel="recall: share of all positives found",
        ylabel="precision: share of positives among those found",
    )
    # The precision of the first few rows jumps between 0 and 1 and would compress the rest of the plot.
    settled = precision[recall >= 0.01]
    axes.set_ylim(0, min(1.02, 1.25 * float(settled.max(initial=evaluation.base_rate))))
    _percent_axes(axes)
    axes.legend(loc="upper right", frameon=False)
    _footnote(figure, evaluation, ("pr_auc", "PR AUC"), ("roc_auc", "ROC AUC"))
    return _png(figure)


def importance(shares: dict[str, float], task: str) -> bytes:
    """Plot the columns with the largest share of the absolute contributions."""
    shown = sorted(shares.items(), key=lambda pair: pair[1])[-_MOST_COLUMNS:]
    figure, axes = _canvas(f"Importance of columns in the {task} model", 7.2, 1.4 + 0.3 * len(shown))
    bars = axes.barh([name.replace("_", " ") for name, _ in shown], [share for _, share in shown], color=_BLUE)
    axes.bar_label(bars, labels=[f"{100 * share:.1f} %" for _, share in shown], padding=4, color=_INK, fontsize=9)
    axes.set_xlim(0, 1.15 * max([share for _, share in shown], default=1) or 1)
    axes.set_xlabel(f"share of absolute contributions · {len(shown)} of {len(shares)} columns")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y", visible=False)
    return _png(figure)


def decay(origins: Sequence[Origin], task: str) -> bytes:
    """Plot ROC AUC by week after each rolling origin, with intervals by tutor, and the mean over the origins."""
    figure, axes = _canvas(f"Decay of the {task} model", 7.2, 5.0)
    for place, origin in enumerate(origins):
        _origin_line(axes, origin, 0.06 * (place - (len(origins) - 1) / 2))
    mean = np.array(weekly_means(origins))
    axes.plot(np.arange(1, mean.size + 1), mean, color=_INK, linewidth=2, label="mean of the origins")
    axes.axhline(0.5, color=_GREY, linewidth=1, linestyle=":", label="chance")
    axes.set(xlabel="weeks after the origin", ylabel="ROC AUC")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower left", frameon=False, fontsize=9)
    return _png(figure)


def _origin_line(axes: Axes, origin: Origin, shift: float) -> None:
    """Plot the weeks of one origin with enough outcomes, shifted a little to separate the intervals."""
    measured = [(week, auc) for week, auc in enumerate(origin.by_week, start=1) if auc is not None]
    if not measured:
        return
    weeks, values = np.array([week for week, _ in measured]) + shift, np.array([auc.value for _, auc in measured])
    ends = np.array([(auc.value - auc.low, auc.high - auc.value) for _, auc in measured]).T
    day = f"{datetime.fromtimestamp(origin.cut / 1e6, UTC):%Y-%m-%d}"
    axes.errorbar(weeks, values, yerr=ends, marker="o", markersize=4, linewidth=1, capsize=2, alpha=0.75, label=day)


def _canvas(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=_INK, fontsize=13, pad=12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _base_rate_line(axes: Axes, evaluation: Evaluation) -> None:
    label = f"base rate {100 * evaluation.base_rate:.1f} %"
    axes.axhline(evaluation.base_rate, color=_GREY, linewidth=1, linestyle=":", label=label)


def _mark_top(axes: Axes, evaluation: Evaluation, share: int) -> None:
    recall, precision = (evaluation.figures.get(f"{name}_at_{share}") for name in ("recall", "precision"))
    if recall is None or precision is None:
        return
    axes.plot(recall.value, precision.value, color=_BLUE, marker="o", markersize=6)
    axes.annotate(
        f"top {share} %", (recall.value, precision.value), xytext=(8, 6), textcoords="offset points", color=_INK
    )


def _percent_axes(axes: Axes, fine: bool = False) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1 if fine else 0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1 if fine else 0))


def _footnote(figure: Figure, evaluation: Evaluation, *named: tuple[str, str]) -> None:
    positives = round(evaluation.n_test * evaluation.base_rate)
    parts = [f"{evaluation.n_test:,} rows, {positives:,} positive"]
    for name, words in named:
        value = evaluation.figures.get(name)
        if value is not None:
            interval = "" if np.isnan(value.low) else f" ({value.low:.3f} to {value.high:.3f})"
            parts.append(f"{words} {value.value:.3f}{interval}")
    figure.supxlabel(" · ".join(parts), fontsize=9, color=_GREY)


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
