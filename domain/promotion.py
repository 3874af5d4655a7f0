"""Model promotion: ledger actions, and the champion and challenger derived from them."""

from collections.abc import Iterable
from enum import StrEnum


class GateMode(StrEnum):
    """Mode of the gate. `off`: the newest training becomes champion without a check.

    `dry_run`: the gate records its decision, and the newest training becomes champion anyway. `on`: only a training
    that passes becomes champion.
    """

    OFF = "off"
    DRY_RUN = "dry_run"
    ON = "on"


class Action(StrEnum):
    """Ledger entry about a version.

    candidate: trained and registered. refused: no better than the base rate, or suspect. challenger: scores in shadow
    beside the champion. champion: serves from now on. rollback: an earlier champion serves again.
    """

    CANDIDATE = "candidate"
    REFUSED = "refused"
    CHALLENGER = "challenger"
    CHAMPION = "champion"
    ROLLBACK = "rollback"


SERVES = frozenset({Action.CHAMPION, Action.ROLLBACK})
"""Actions after which a version serves, until the next such action."""


def champions(record: Iterable[tuple[Action, str]]) -> list[str]:
    """Stack of champions, the current one last: each rollback would return to the version before it.

    `record` lists (action, version), oldest first. A rollback drops the versions that served in between.
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
    """Version that scores in shadow: the newest challenger, until it or a later version becomes champion."""
    newest = None
    for action, version in record:
        if action is Action.CHALLENGER:
            newest = version
        elif action is Action.CHAMPION:
            newest = None
    return newest


def last_number(versions: Iterable[str]) -> int:
    """Highest number among versions such as `no_show/7`; 0 if there is none. Other names are ignored."""
    numbers = (version.rpartition("/")[2] for version in versions)
    return max((int(number) for number in numbers if number.isdecimal()), default=0)
