"""The Panel app: two pages, the list of tutors and one tutor."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from domain.errors import DatabaseUnavailable
from store.database import Engine
from store.pages import any_model
from store.views import ranked_tutors
from ui.ranking import Ranking
from ui.rendering import piece, sentence
from ui.tutor import tutor_view

logger = logging.getLogger("tutor_quality.ui")

TITLE = "Tutor Quality"
NO_MODEL = "Train a model and score the tutors; then the list appears here."
NO_SCORES = "A model is there, but no tutor has been scored with it yet. The next scoring run fills this list."
AWAY = "The scores cannot be read just now. Reload the page in a moment."

WIDTH = 1360
"""Pixels: longer lines are hard to follow."""

_THEME = {"palette": {"primary": {"main": "#14558a"}}}

Pages = Mapping[str, Callable[[], Viewable]]


def create_app(engine: Engine, now: Callable[[], datetime]) -> Pages:
    """The pages by their address; each is a function that `pn.serve` calls for every visitor."""
    # Plain functions: Panel shows any other callable as an object.
    return {"/": lambda: _page(lambda: _ranking(engine)), "tutor": lambda: _page(lambda: _tutor(engine, now))}


def _page(content: Callable[[], Viewable]) -> pmui.Page:
    try:
        main = content()
    except DatabaseUnavailable as error:
        logger.error("%s", error)
        main = sentence("The database does not answer", AWAY)
    body = pmui.Container(main, width_option=False)
    return pmui.Page(title=TITLE, main=[body], main_width=WIDTH, theme_config=_THEME, theme_toggle=False, site_url="./")


def _ranking(engine: Engine) -> Viewable:
    rows = ranked_tutors(engine)
    if not rows and not any_model(engine):
        return sentence("No model has been trained yet", NO_MODEL)
    if not rows:
        return sentence("Nobody has been scored yet", NO_SCORES)
    ranking = Ranking(rows)
    if pn.state.location:
        ranking.follow(pn.state.location)
    return pn.Column(piece("ranking_head.html", rows=rows), ranking.view(), sizing_mode="stretch_width")


def _tutor(engine: Engine, now: Callable[[], datetime]) -> Viewable:
    (asked,) = pn.state.session_args.get("id", [b""])[:1] or [b""]
    return tutor_view(engine, asked.decode(errors="replace"), now())
