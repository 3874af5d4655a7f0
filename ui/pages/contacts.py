"""Contacts page: the contact list of the last planned day and the measured effect of contacting."""

import panel as pn

from domain.policy import Permission
from insights.contacts.effect_words import in_words
from store.contacts.records import last_planned_day, listed_contacts, measured_effects
from store.db.engine import Engine
from ui.page import Page, PageRequest
from ui.parts.rendering import piece, sentence

NO_PLAN = "Contacts for the next day are planned every night. To plan them now, run: tqs contacts plan"


def contacts_view(request: PageRequest) -> pn.Column:
    """The contact list of the last planned day and the effect measured so far. Raises DatabaseUnavailable."""
    return pn.Column(_list(request.engine), _effect(request.engine), sizing_mode="stretch_width")


PAGE = Page("contacts", "Contacts", Permission.SCORES_READ, contacts_view)


def _list(engine: Engine) -> pn.pane.HTML:
    day = last_planned_day(engine)
    if day is None:
        return sentence("No day has been planned yet", NO_PLAN)
    return piece("contacts.html", day=day, contacts=listed_contacts(engine, day))


def _effect(engine: Engine) -> pn.pane.HTML:
    measured = measured_effects(engine)
    lines = (
        [(effect.action, in_words(effect)) for effect in (measured.overall, *measured.by_action)] if measured else []
    )
    return piece("contact_effects.html", lines=lines, at=measured.measured_at if measured else None)
