"""Table of the themes: their group, the models whose outcome they show directly, and whether they describe one session.

A theme that is not in the table is a group of its own, shows no outcome directly and describes the tutor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.vocabulary import Task

_NO_SHOW, _CHURN = frozenset({Task.NO_SHOW}), frozenset({Task.CHURN})


@dataclass(frozen=True)
class Theme:
    """Facts about a theme.

    Themes of a `group` measure the same habit and correlate, so their contributions are one reason, worded by the most
    direct theme. `direct_for` are the models whose own outcome the theme shows in the past: such evidence precedes
    every correlate. A `narrow` theme covers a part of the tutor's sessions. `of_session` is true for columns about one
    session, which a reason about a tutor does not quote.
    """

    group: str
    direct_for: frozenset[Task] = frozenset()
    narrow: bool = False
    of_session: bool = False


_UNRELIABLE, _WORKLOAD, _PAIR = "reliability", "workload", "pair"

THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        # Agreed sessions that did not happen as agreed: the contributions of these themes correlate at 0.4 to 0.8.
        "no-shows": Theme(_UNRELIABLE, direct_for=_NO_SHOW),
        "recent no-shows": Theme(_UNRELIABLE, direct_for=_NO_SHOW),
        "no-shows at this time": Theme(_UNRELIABLE, direct_for=_NO_SHOW, narrow=True),
        "no-shows with this student": Theme(_UNRELIABLE, direct_for=_NO_SHOW, narrow=True, of_session=True),
        "cancellations": Theme(_UNRELIABLE),
        "lateness": Theme(_UNRELIABLE),
        # Announced changes correlate with the above, but are a habit of their own that a calendar can mend.
        "reschedules": Theme("reschedules"),
        "moves of this session": Theme("reschedules", of_session=True),
        # Sessions and hours are the same work; teaching less is how leaving begins.
        "load": Theme(_WORKLOAD, direct_for=_CHURN),
        "activity": Theme(_WORKLOAD, direct_for=_CHURN),
        "bookings around it": Theme(_WORKLOAD, of_session=True),
        "pair": Theme(_PAIR, of_session=True),
        "time of session": Theme("time of session", of_session=True),
        "booking": Theme("booking", of_session=True),
    }
)


def theme_facts(name: str) -> Theme:
    """Returns the facts about a theme."""
    return THEMES.get(name) or Theme(name)
