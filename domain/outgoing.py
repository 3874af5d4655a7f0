"""Channels of outgoing messages, and the delivery policy of each: lease, retries, repeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType


class Channel(StrEnum):
    """Way by which a message leaves."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class DeliveryStatus(StrEnum):
    """Status of an outgoing message. `unknown`: its sender died, or the receiver hung up, and it may have arrived."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DeliveryPolicy:
    """Delivery policy of a channel.

    `lease` is the time a sender has for the messages it leased. `retry_waits` are the waits after each failed attempt;
    after the last attempt the message has failed. With `at_most_once` a message is never leased twice: if its lease
    expires, its outcome is unknown and a person decides.
    """

    lease: timedelta
    retry_waits: tuple[timedelta, ...]
    at_most_once: bool

    def retry_wait(self, tries: int, chance: float, requested: timedelta | None = None) -> timedelta | None:
        """Wait after failed attempt number `tries`; None if no attempt is left.

        `chance` in 0..1 scales the jitter; `requested` is the minimum that the receiver asks for.
        """
        if tries > len(self.retry_waits):
            return None
        wait = self.retry_waits[tries - 1] * (1 + JITTER * chance)
        return max(wait, requested or timedelta())


JITTER = 0.2
"""Largest share by which a wait is lengthened, so that messages that failed together are not retried together."""

# Standard Webhooks advises these waits: ten attempts in a little over three days.
_WEBHOOK_WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)

POLICIES: Mapping[Channel, DeliveryPolicy] = MappingProxyType(
    {
        Channel.MAIL: DeliveryPolicy(lease=timedelta(hours=1), retry_waits=(), at_most_once=True),
        Channel.WEBHOOK: DeliveryPolicy(lease=timedelta(minutes=2), retry_waits=_WEBHOOK_WAITS, at_most_once=False),
    }
)
"""Delivery policy by channel."""
