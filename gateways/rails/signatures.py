"""Signatures of webhooks by Standard Webhooks, both ways: the one place where the library is used.

Source: https://www.standardwebhooks.com. The library signs; comparing is ours, since its own check reads the system's
clock, and answers a malformed header with whatever exception that header provokes.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from domain.errors import BadSignature
from domain.events.events import CLOCK_SKEW
from gateways.secret_file import kept_secret
from gateways.settings import Settings

WEBHOOK_SECRET_FILE = "webhook_secret"
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

_WRONG = (
    "the webhook is not signed with a secret known here: send webhook-id, webhook-timestamp (seconds since 1970) and "
    "webhook-signature over the body's bytes as they are sent"
)
_MOST_SIGNATURES = 10


@dataclass(frozen=True)
class Signatures:
    """The secrets that are valid now, the newest first; two while one takes the other's place."""

    secrets: Sequence[str]

    def __repr__(self) -> str:
        """Says how many, never which."""
        return f"Signatures({len(self.secrets)} secrets)"

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The webhook's id, if it was signed with one of the secrets within five minutes of `now`.

        `headers` by lower-case name. Raises BadSignature, which says no more than what was to be sent.
        """
        message_id, stamp, sent = (headers.get(name, "") for name in HEADERS)
        if not (message_id and stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
            raise BadSignature(_WRONG)
        signed_at = datetime.fromtimestamp(int(stamp), UTC)
        if not self._match(message_id, signed_at, body, sent):
            raise BadSignature(_WRONG)
        if abs(now - signed_at) > CLOCK_SKEW:
            ahead = "ahead of" if signed_at > now else "behind"
            raise BadSignature(f"the webhook's time is more than five minutes {ahead} ours: set the sender's clock")
        return message_id

    def sign(self, message_id: str, body: str, now: datetime) -> dict[str, str]:
        """The headers of a webhook, signed with every secret, so that the receiver may know either."""
        signed = " ".join(Webhook(secret).sign(message_id, now.astimezone(UTC), body) for secret in self.secrets)
        return dict(zip(HEADERS, (message_id, str(int(now.timestamp())), signed), strict=True))

    def _match(self, message_id: str, signed_at: datetime, body: bytes, sent: str) -> bool:
        try:
            text = body.decode()
            expected = [Webhook(secret).sign(message_id, signed_at, text).encode() for secret in self.secrets]
            offered = [signature.encode() for signature in sent.split(" ")[:_MOST_SIGNATURES]]
        except Exception as error:  # any fault at all: what cannot be checked is not signed
            raise BadSignature(_WRONG) from error
        return any(hmac.compare_digest(one, other) for one in expected for other in offered)


def incoming(settings: Settings) -> Signatures:
    """What Rails signs its events with: the setting, else a secret kept in the data folder."""
    given = settings.webhook_secrets or f"whsec_{_padded(kept_secret(settings.data_dir / WEBHOOK_SECRET_FILE))}"
    return Signatures(_listed(given))


def outgoing(settings: Settings) -> Signatures:
    """What our webhooks to Rails are signed with: the setting, else as Rails signs its own."""
    given = settings.rails_webhook_secrets
    return Signatures(_listed(given)) if given else incoming(settings)


def _listed(secrets: str) -> tuple[str, ...]:
    return tuple(secret.strip() for secret in secrets.split(","))


def _padded(kept: str) -> str:
    # 24 random bytes in the alphabet of URLs; the standard's secrets are written in that of base64.
    return kept.replace("-", "+").replace("_", "/")
