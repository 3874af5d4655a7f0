from datetime import UTC, datetime

import pytest

from domain.errors import InvalidMail
from domain.mail import Attachment, Mail
from gateways.mail import send

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


MAIL = Mail("admin@example.org", "Drift check: keep", "Nothing to do.\n.\nTutor Žofie, 12 %\n")


@pytest.mark.parametrize("smuggled", ["a\r\nBcc: x@example.org", "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\x85b"])
def test_no_header_takes_a_line_break(smuggled: str) -> None:
    for build in (
        lambda: Mail(MAIL.to, smuggled, "text"),
        lambda: Mail(f"admin@example.org{smuggled}", "subject", "text"),
        lambda: Attachment(smuggled, b""),
        lambda: send(MAIL, "smtp://127.0.0.1:9", sender=f"me@example.org{smuggled}", key="k", now=NOW),
    ):
        with pytest.raises(InvalidMail, match="line break"):
            build()


@pytest.mark.parametrize("address", ["", "nobody", "a@b, c@d", "A <a@b>", "a@b@c", "a b@c"])
def test_a_mail_goes_to_one_bare_address(address: str) -> None:
    with pytest.raises(InvalidMail):
        Mail(address, "subject", "text")
