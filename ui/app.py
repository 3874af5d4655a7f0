"""The Panel app: the tutors, one tutor, the sessions to come and the contacts, each at its own address."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from domain.errors import DatabaseUnavailable
from store.database import Engine
from store.views import ranked_tutors
from ui.contacts import contacts_view
from ui.ranking import ranking
from ui.rendering import piece, sentence
from ui.tutor import tutor_view
from ui.upcoming import upcoming_view
from ui.verdict import warning, without_scores

logger = logging.getLogger("tutor_quality.ui")

TITLE = "Tutor Quality"
AWAY = "The scores cannot be read just now. Reload the page in a moment."

NAVIGATION = {"./": "Tutors", "upcoming": "Next 48 hours", "contacts": "Contacts"}
"""The pages that can be gone to from every page."""

WIDTH = 1360
"""Pixels: longer lines are hard to follow."""

_THEME = {"palette": {"primary": {"main": "#14558a"}}}

Pages = Mapping[str, Callable[[], Viewable]]


def create_app(engine: Engine, now: Callable[[], datetime]) -> Pages:
    """The pages by their address; each is a function that `pn.serve` calls for every visitor."""
    # Plain functions: Panel shows any other callable as an object.
    return {
        "/": lambda: _page(lambda: _ranking(engine), "./"),
        "tutor": lambda: _page(lambda: _tutor(engine, now)),
        "upcoming": lambda: _page(lambda: upcoming_view(engine, now()), "upcoming"),
        "contacts": lambda: _page(lambda: contacts_view(engine), "contacts"),
    }


def _page(content: Callable[[], Viewable], here: str = "") -> pmui.Page:
    try:
        main = content()
    except DatabaseUnavailable as error:
        logger.error("%s", error)
        main = sentence("The database does not answer", AWAY)
    body = pmui.Container(piece("nav.html", pages=NAVIGATION, here=here), main, width_option=False)
    return pmui.Page(title=TITLE, main=[body], main_width=WIDTH, theme_config=_THEME, theme_toggle=False, site_url="./")


def _ranking(engine: Engine) -> Viewable:
    rows = ranked_tutors(engine)
    if not rows:
        return without_scores(engine)
    listing = ranking(rows)
    if pn.state.location:
        listing.follow(pn.state.location, "level")
    return pn.Column(
        *warning(engine), piece("ranking_head.html", rows=rows), listing.view(), sizing_mode="stretch_width"
    )


def _tutor(engine: Engine, now: Callable[[], datetime]) -> Viewable:
    (asked,) = pn.state.session_args.get("id", [b""])[:1] or [b""]
    return tutor_view(engine, asked.decode(errors="replace"), now())
