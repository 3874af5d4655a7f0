"""Signing and verification of webhooks by the Standard Webhooks specification.

Source: https://www.standardwebhooks.com. The library signs; verification is our own, since the library's check reads
the system clock and raises arbitrary exceptions for malformed headers.
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
    "the webhook's signature matches none of the configured secrets: send webhook-id, webhook-timestamp (seconds since "
    "1970) and webhook-signature, computed over the bytes of the body as sent"
)
_MOST_SIGNATURES = 10


@dataclass(frozen=True)
class Signatures:
    """The valid secrets, newest first; two during a rotation."""

    secrets: Sequence[str]

    def __repr__(self) -> str:
        """Show the number of secrets, never their values."""
        return f"Signatures({len(self.secrets)} secrets)"

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """Verify that the webhook was signed with one of the secrets within five minutes of `now`; returns its id.

        `headers` by lower-case name. Raises BadSignature, which states only what must be sent.
        """
        message_id, stamp, sent = (headers.get(name, "") for name in HEADERS)
        if not (message_id and stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
            raise BadSignature(_WRONG)
        signed_at = datetime.fromtimestamp(int(stamp), UTC)
        if not self._match(message_id, signed_at, body, sent):
            raise BadSignature(_WRONG)
        if abs(now - signed_at) > CLOCK_SKEW:
            ahead = "ahead of" if signed_at > now else "behind"
            raise BadSignature(
                f"the webhook's time is over five minutes {ahead} the server's: check the sender's clock"
            )
        return message_id

    def sign(self, message_id: str, body: str, now: datetime) -> dict[str, str]:
        """Headers of a webhook, signed with every secret so that the receiver may have either one."""
        signed = " ".join(Webhook(secret).sign(message_id, now.astimezone(UTC), body) for secret in self.secrets)
        return dict(zip(HEADERS, (message_id, str(int(now.timestamp())), signed), strict=True))

    def _match(self, message_id: str, signed_at: datetime, body: bytes, sent: str) -> bool:
        try:
            text = body.decode()
            expected = [Webhook(secret).sign(message_id, signed_at, text).encode() for secret in self.secrets]
            offered = [signature.encode() for signature in sent.split(" ")[:_MOST_SIGNATURES]]
        except Exception as error:  # any error: a signature that cannot be verified is invalid
            raise BadSignature(_WRONG) from error
        return any(hmac.compare_digest(one, other) for one in expected for other in offered)


def incoming(settings: Settings) -> Signatures:
    """Secrets for verifying Rails' events: the setting, otherwise one generated in the data folder."""
    given = settings.webhook_secrets or f"whsec_{_padded(kept_secret(settings.data_dir / WEBHOOK_SECRET_FILE))}"
    return Signatures(_listed(given))


def outgoing(settings: Settings) -> Signatures:
    """Secrets for signing webhooks to Rails: the setting, otherwise those of `incoming`."""
    given = settings.rails_webhook_secrets
    return Signatures(_listed(given)) if given else incoming(settings)


def _listed(secrets: str) -> tuple[str, ...]:
    return tuple(secret.strip() for secret in secrets.split(","))


def _padded(kept: str) -> str:
    # 24 random bytes in URL-safe base64; the standard's secrets use the plain base64 alphabet.
    return kept.replace("-", "+").replace("_", "/")
