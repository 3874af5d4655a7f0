"""The Panel app: the tutors, one tutor, the sessions to come and the contacts, each at its own address."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from domain.errors import DatabaseUnavailable, Forbidden, UnknownCaller
from domain.policy import Permission, Principal, can, check
from store.access.audit import AuditRow, write_rows
from store.db.engine import Engine
from store.scores.ranking import ranked_tutors
from ui.pages.contacts import contacts_view
from ui.pages.ranking import ranking
from ui.pages.tutor import tutor_view
from ui.pages.unfinished import unfinished_view
from ui.pages.upcoming import upcoming_view
from ui.parts.rendering import piece, sentence
from ui.parts.verdict import warning, without_scores

logger = logging.getLogger("tutor_quality.ui")

TITLE = "Tutor Quality"
AWAY = "The scores cannot be read just now. Reload the page in a moment."

NAVIGATION = {"./": "Tutors", "upcoming": "Next 48 hours", "contacts": "Contacts", "unfinished": "Not done"}
"""The pages that can be gone to from every page, where the visitor may see them."""

PERMISSIONS: Mapping[str, Permission] = {
    "./": Permission.SCORES_READ,
    "tutor": Permission.SCORES_READ,
    "upcoming": Permission.SCORES_READ,
    "contacts": Permission.SCORES_READ,
    "unfinished": Permission.ADMIN,
}
"""What each page asks for."""

WIDTH = 1360
"""Pixels: longer lines are hard to follow."""

_THEME = {"palette": {"primary": {"main": "#14558a"}}}

Pages = Mapping[str, Callable[[], Viewable]]


def create_app(engine: Engine, now: Callable[[], datetime], visitor: Callable[[], Principal]) -> Pages:
    """The pages by their address; each is a function that `pn.serve` calls for every visitor.

    `visitor` says who looks; whether they may is the same rule as the API's.
    """

    def page(content: Callable[[], Viewable], here: str, tutor_id: str | None = None) -> pmui.Page:
        shown: Mapping[str, str] = {}
        try:
            principal = visitor()
            shown = {address: title for address, title in NAVIGATION.items() if can(principal, PERMISSIONS[address])}
            check(principal, PERMISSIONS[here], tutor_id)
            main = content()
            write_rows(engine, [AuditRow(now(), principal.id, principal.role, f"dashboard {here}", tutor_id)])
        except (Forbidden, UnknownCaller) as error:
            main = sentence("This page is not for you", str(error))
        except DatabaseUnavailable as error:
            logger.error("%s", error)
            main = sentence("The database does not answer", AWAY)
        return _framed(main, shown, here)

    # Plain functions: Panel shows any other callable as an object.
    return {
        "/": lambda: page(lambda: _ranking(engine), "./"),
        "tutor": lambda: page(lambda: tutor_view(engine, _asked(), now()), "tutor", _asked()),
        "upcoming": lambda: page(lambda: upcoming_view(engine, now()), "upcoming"),
        "contacts": lambda: page(lambda: contacts_view(engine), "contacts"),
        "unfinished": lambda: page(lambda: unfinished_view(engine), "unfinished"),
    }


def _framed(main: Viewable, pages: Mapping[str, str], here: str) -> pmui.Page:
    body = pmui.Container(piece("nav.html", pages=pages, here=here), main, width_option=False)
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


def _asked() -> str:
    """The tutor in the page's address."""
    (asked,) = pn.state.session_args.get("id", [b""])[:1] or [b""]
    return str(asked.decode(errors="replace"))
