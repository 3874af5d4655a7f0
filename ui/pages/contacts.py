"""The page of contacts: whom to call about tomorrow's sessions, and what calling is worth."""

import panel as pn

from insights.contacts.effect_words import in_words
from store.contacts.records import last_planned_day, listed_contacts, measured_effects
from store.db.engine import Engine
from ui.parts.rendering import piece, sentence

NO_PLAN = (
    "Every night the sessions of the next day are ranked by their risk; the first list appears here. Or run now: "
    "tqs contacts plan"
)


def contacts_view(engine: Engine) -> pn.Column:
    """The list of the last planned day and the effect measured so far. Raises DatabaseUnavailable."""
    return pn.Column(_list(engine), _effect(engine), sizing_mode="stretch_width")


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
