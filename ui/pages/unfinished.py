"""The page of what is not done: events that were parked and deliveries that failed, each with its reason."""

import panel as pn

from store.db.engine import Engine
from store.inbox.backlog import InboxState, backlog, unfinished
from store.outgoing.webhooks import DeliveryState, deliveries
from ui.parts.rendering import piece

SHOWN = 100
"""So many of each are listed."""


def unfinished_view(engine: Engine) -> pn.Column:
    """What waits, what is parked, and what could not be delivered. Raises DatabaseUnavailable."""
    parked = unfinished(engine, InboxState.PARKED, limit=SHOWN)
    waiting = [event for event in unfinished(engine, InboxState.WAITING, limit=SHOWN) if event.error]
    return pn.Column(
        piece("parked.html", counted=backlog(engine), events=parked, waiting=waiting),
        piece("failed_deliveries.html", deliveries=deliveries(engine, DeliveryState.FAILED, SHOWN)),
        sizing_mode="stretch_width",
    )
