"""HTML from Jinja templates with every value escaped."""

from functools import cache
from pathlib import Path
from typing import Any

import panel as pn
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.scores import band, points
from ui.parts import words

PARTS = Path(__file__).parent
PAGES = PARTS.parent / "pages"


@cache
def _environment() -> Environment:
    # Panel's HTML pane does not escape, so the templates must.
    environment = Environment(loader=FileSystemLoader([PAGES, PARTS]), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {
        "band": band,
        "points": points,
        "percent": words.percent_of,
        "minutes": words.minutes,
        "local_time": words.local_time,
    }
    environment.globals |= {name: getattr(words, name) for name in ("BANDS", "SIGNS", "KINDS", "STATUSES")}
    return environment


@cache
def _style() -> str:
    return (PARTS / "style.css").read_text()


def rendered(template: str, **values: Any) -> str:
    """The rendered template as text."""
    return _environment().get_template(template).render(**values)


def piece(template: str, **values: Any) -> pn.pane.HTML:
    """The rendered template as a pane with the dashboard's style."""
    return pn.pane.HTML(rendered(template, **values), stylesheets=[_style()], sizing_mode="stretch_width", margin=0)


def sentence(title: str, text: str) -> pn.pane.HTML:
    """A notice: a title and one paragraph, in place of content or above it."""
    return piece("sentence.html", title=title, text=text)
