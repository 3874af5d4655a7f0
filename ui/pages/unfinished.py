"""Page of failed work: parked events, waiting events with an error, and failed webhook deliveries."""

import panel as pn

from domain.policy import Permission
from store.inbox.backlog import InboxState, backlog, unfinished
from store.outgoing.webhooks import DeliveryState, deliveries
from ui.page import Page, PageRequest
from ui.parts.rendering import piece

SHOWN = 100
"""Most rows listed per table."""


def unfinished_view(request: PageRequest) -> pn.Column:
    """Backlog counts, parked events, waiting events that failed, and failed deliveries. Raises DatabaseUnavailable."""
    engine = request.engine
    parked = unfinished(engine, InboxState.PARKED, limit=SHOWN)
    waiting = [event for event in unfinished(engine, InboxState.WAITING, limit=SHOWN) if event.error]
    return pn.Column(
        piece("parked.html", counted=backlog(engine), events=parked, waiting=waiting),
        piece("failed_deliveries.html", deliveries=deliveries(engine, DeliveryState.FAILED, SHOWN)),
        sizing_mode="stretch_width",
    )


PAGE = Page("unfinished", "Parked and failed", Permission.ADMIN, unfinished_view)
