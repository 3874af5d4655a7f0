"""Page of upcoming sessions: the next 48 hours by risk of a no-show, with reasons and advice."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import panel as pn

from domain.horizons import NO_SHOW_LEAD, UPCOMING
from domain.policy import Permission
from insights.advice.upcoming import Advice, advice
from store.scores.ranking import UpcomingSession
from store.scores.upcoming import Upcoming, upcoming
from ui.page import Page, PageRequest
from ui.parts.listing import ListContent, Listing
from ui.parts.rendering import piece, sentence

SOON, LATER, EVERY = "soon", "later", "all"
NOTHING_BOOKED = "No session is booked for the next two days."


@dataclass(frozen=True)
class Line:
    """One session with the hours until it starts; `advice` is None before the session is scored."""

    session: UpcomingSession
    hours: float
    advice: Advice | None

    @property
    def window(self) -> str:
        """SOON within the lead of the early warning, otherwise LATER."""
        return SOON if timedelta(hours=self.hours) < NO_SHOW_LEAD else LATER


def upcoming_view(request: PageRequest) -> pn.Column:
    """The list with its filter and search kept in the address. Raises DatabaseUnavailable."""
    now = request.now
    scheduled = upcoming(request.engine, now, now + UPCOMING)
    if not scheduled.sessions:
        return pn.Column(sentence("No sessions", NOTHING_BOOKED))
    lines = [_line(scheduled, session, now) for session in scheduled.sessions]
    listing = Listing(ListContent(lines, _windows(lines), _wanted, "upcoming.html"))
    if pn.state.location:
        listing.follow(pn.state.location, "window")
    scored = [line.session.no_show.value for line in lines if line.session.no_show]
    head = piece("upcoming_head.html", lines=lines, expected=sum(scored), unscored=len(lines) - len(scored), now=now)
    return pn.Column(head, listing.view(), sizing_mode="stretch_width")


PAGE = Page("upcoming", "Next 48 hours", Permission.SCORES_READ, upcoming_view)


def _line(scheduled: Upcoming, session: UpcomingSession, now: datetime) -> Line:
    hours = (session.starts_at - now) / timedelta(hours=1)
    if session.no_show is None:
        return Line(session, hours, None)
    effect = scheduled.effect_on(session)
    advised = advice(session.no_show.value, session.action, session.is_listed, effect, session.withheld)
    return Line(session, hours, advised)


def _wanted(line: Line, window: str, search_text: str) -> bool:
    session = line.session
    return window in {EVERY, line.window} and search_text in f"{session.tutor_name} {session.tutor_id}".casefold()


def _windows(lines: list[Line]) -> dict[str, str]:
    """Filter values by label; each label carries its row count."""
    soon = sum(line.window == SOON for line in lines)
    return {
        f"48 hours ({len(lines):,})": EVERY,
        f"24–48 h ({len(lines) - soon:,})": LATER,
        f"Next 24 h ({soon:,})": SOON,
    }
