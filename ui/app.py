"""The dashboard's Panel app: its pages, each behind a permission check and an audit row."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from domain.errors import DatabaseUnavailable, Forbidden, UnknownCaller
from domain.policy import Principal, can, check
from store.access.audit import AuditRow, write_rows
from store.db.engine import Engine
from ui.page import Page, PageRequest
from ui.pages import contacts, ranking, tutor, unfinished, upcoming
from ui.parts.rendering import piece, sentence

logger = logging.getLogger("tutor_quality.ui")

TITLE = "Tutor Quality"
UNREADABLE = "The scores cannot be read at the moment. Reload the page in a few seconds."

PAGES: tuple[Page, ...] = (ranking.PAGE, upcoming.PAGE, contacts.PAGE, unfinished.PAGE, tutor.PAGE)
"""Every page, in the order of the navigation."""

WIDTH = 1360
"""Pixels: longer lines are hard to follow."""

_THEME = {"palette": {"primary": {"main": "#14558a"}}}

Views = Mapping[str, Callable[[], Viewable]]


def create_app(engine: Engine, now: Callable[[], datetime], visitor: Callable[[], Principal]) -> Views:
    """Views by route; Panel calls one for every visit.

    `visitor` returns the principal of the current visit. The permission check is the API's.
    """

    def view_of(page: Page) -> Callable[[], Viewable]:
        # A plain function: Panel renders any other callable as an object.
        return lambda: _visit(page, engine, now, visitor)

    return {page.route: view_of(page) for page in PAGES}


def _visit(page: Page, engine: Engine, now: Callable[[], datetime], visitor: Callable[[], Principal]) -> pmui.Page:
    tutor_id = _tutor_in_address() if page.per_tutor else None
    linked: Sequence[Page] = ()
    try:
        principal = visitor()
        linked = [other for other in PAGES if not other.per_tutor and can(principal, other.permission)]
        check(principal, page.permission, tutor_id)
        main = page.view(PageRequest(engine, now(), tutor_id or ""))
        write_rows(engine, [AuditRow(now(), principal.id, principal.role, f"dashboard {page.address}", tutor_id)])
    except (Forbidden, UnknownCaller) as error:
        main = sentence("You have no access to this page", str(error))
    except DatabaseUnavailable as error:
        logger.error("%s", error)
        main = sentence("The database is unavailable", UNREADABLE)
    return _framed(main, linked, page)


def _framed(main: Viewable, linked: Sequence[Page], current: Page) -> pmui.Page:
    body = pmui.Container(piece("nav.html", pages=linked, current=current.address), main, width_option=False)
    return pmui.Page(title=TITLE, main=[body], main_width=WIDTH, theme_config=_THEME, theme_toggle=False, site_url="./")


def _tutor_in_address() -> str:
    (tutor_id,) = pn.state.session_args.get("id", [b""])[:1] or [b""]
    return str(tutor_id.decode(errors="replace"))
