"""Line plot of a tutor's scores over time."""

from collections.abc import Sequence

import panel as pn
from bokeh.models import ColumnDataSource, DatetimeTickFormatter, HoverTool
from bokeh.plotting import figure

from domain.horizons import ACT_RISK, WATCH_RISK
from domain.scores import Score, points
from domain.vocabulary import ScoreKind
from ui.parts.words import KINDS

# Colours of Okabe and Ito (2008); each also has its own dash pattern, for colour-blind readers.
_LINES = {
    ScoreKind.HELP: ("#1b232c", "solid"),
    ScoreKind.NO_SHOW_14D: ("#b3400d", "dashed"),
    ScoreKind.CHURN_30D: ("#0072b2", "dotdash"),
}

TWO_DAYS = 2 * 86_400_000.0
"""Width of the time axis around a single score, in milliseconds."""


def history_plot(scores: Sequence[Score]) -> pn.pane.Bokeh:
    """One line per score kind, 0 to 100 points over time, with the band thresholds as dotted lines."""
    plot = figure(height=260, x_axis_type="datetime", y_range=(0, 102), toolbar_location=None, tools="")
    plot.sizing_mode = "stretch_width"
    plot.hspan(y=[points(WATCH_RISK), points(ACT_RISK)], line_color="#c9d0d6", line_dash="dotted")
    for kind, (colour, dash) in _LINES.items():
        of_kind = [score for score in scores if score.kind == kind]
        if not of_kind:  # otherwise the legend would name a line that is not drawn
            continue
        source = _source(of_kind)
        look = {"source": source, "color": colour, "legend_label": KINDS[kind]}
        plot.line("as_of", "points", line_dash=dash, line_width=2, **look)
        plot.scatter("as_of", "points", size=6, **look)
    tooltips = [("on", "@as_of{%d %b %Y %H:%M}"), ("score", "@points")]
    plot.add_tools(HoverTool(tooltips=tooltips, formatters={"@as_of": "datetime"}))
    plot.x_range.default_span = TWO_DAYS
    _style(plot)
    return pn.pane.Bokeh(plot, sizing_mode="stretch_width")


def _source(scores: Sequence[Score]) -> ColumnDataSource:
    ordered = sorted(scores, key=lambda score: score.as_of)
    # Bokeh draws naive times unchanged: these are UTC.
    times = [score.as_of.replace(tzinfo=None) for score in ordered]
    return ColumnDataSource({"as_of": times, "points": [points(score.value) for score in ordered]})


def _style(plot: figure) -> None:
    plot.xaxis.formatter = DatetimeTickFormatter(hours="%d %b %H:%M", days="%d %b", months="%b %Y")
    plot.yaxis.axis_label = "score, 0–100"
    plot.outline_line_color = None
    plot.grid.grid_line_color = "#f0f2f4"
    plot.legend.orientation = "horizontal"
    plot.legend.ncols = "auto"
    plot.legend.border_line_color = None
    plot.legend.label_text_font_size = "12px"
    plot.add_layout(plot.legend[0], "above")  # inside, it would cover the highest scores
