"""Lease, retry and waiting policy of events in the inbox.

A lease counts as a try, so an event that kills its worker is not retried indefinitely. The more tries an event has, the
fewer events are leased with it: from the fourth try on it is processed alone. Only crashes while processed alone count
towards parking the event, so no event is parked because of another one, or because workers happen to be killed.
"""

from datetime import timedelta

LEASE = timedelta(seconds=10)
"""Length of a lease without a heartbeat."""

MAX_TRIES = 5
"""Failures, or crashes while processed alone, after which an event is parked for a person."""

SHRINK = 8
"""Factor by which each try divides the number of events leased together."""

SHARED_TRIES = 3
"""Tries after which an event in a batch of 500 is processed alone: 500 / 8 ** 3 is below 1."""

EARLY_LIMIT = timedelta(days=7)
"""Longest time a transcript waits for its session before it is parked."""

_FIRST_RETRY = timedelta(seconds=5)
_EARLY_AT_LEAST, _EARLY_AT_MOST = timedelta(seconds=10), timedelta(hours=1)


def retry_wait(tries: int) -> timedelta | None:
    """Wait after a failed try, doubled each time; None if the event must be parked."""
    return None if tries >= MAX_TRIES else _FIRST_RETRY * 2 ** (tries - 1)


def is_spent(tries: int) -> bool:
    """Whether an event, leased for the try of this number, has crashed its worker too often and must be parked."""
    return tries > SHARED_TRIES + MAX_TRIES


def early_wait(waited: timedelta) -> timedelta | None:
    """Wait of an event whose session is not known yet, as long again as it has waited; None if it must be parked."""
    return None if waited > EARLY_LIMIT else min(max(waited, _EARLY_AT_LEAST), _EARLY_AT_MOST)
