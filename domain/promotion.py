"""How a model comes to serve: what is written about each version, and what follows from the record."""

from collections.abc import Iterable
from enum import StrEnum


class GateMode(StrEnum):
    """What the gate may do. `off`: the newest training serves, unasked. `dry_run`: it decides, and the newest serves.

    `on`: only a training that passes serves.
    """

    OFF = "off"
    DRY_RUN = "dry_run"
    ON = "on"


class Action(StrEnum):
    """What was done with a version.

    candidate: trained and registered. refused: no better than knowing nothing, or suspect. challenger: scores unseen
    beside the champion. champion: serves from now on. rollback: an earlier champion serves again.
    """

    CANDIDATE = "candidate"
    REFUSED = "refused"
    CHALLENGER = "challenger"
    CHAMPION = "champion"
    ROLLBACK = "rollback"


SERVES = frozenset({Action.CHAMPION, Action.ROLLBACK})
"""After these a version serves, until the next of them."""


def champions(record: Iterable[tuple[Action, str]]) -> list[str]:
    """The versions that would serve one after the other if each in turn were rolled back, the present champion last.

    `record` is what was done to which version, oldest first. A rollback forgets what served in between.
    """
    stack: list[str] = []
    for action, version in record:
        if action is Action.ROLLBACK and version in stack:
            while stack[-1] != version:
                stack.pop()
        elif action in SERVES and stack[-1:] != [version]:
            stack.append(version)
    return stack


def challenger(record: Iterable[tuple[Action, str]]) -> str | None:
    """The version that scores in shadow: the newest challenger, until it or a later version becomes champion."""
    found = None
    for action, version in record:
        if action is Action.CHALLENGER:
            found = version
        elif action is Action.CHAMPION:
            found = None
    return found


def last_number(versions: Iterable[str]) -> int:
    """The highest number among versions such as `no_show/7`; 0 where there is none. Other names are passed over."""
    numbers = (version.rpartition("/")[2] for version in versions)
    return max((int(number) for number in numbers if number.isdecimal()), default=0)
