"""A mail to one recipient, as queued and as sent."""

import re
import unicodedata
from dataclasses import dataclass

from domain.errors import InvalidMail

_ADDRESS = re.compile(r"""[^\s@,;:<>()"\\]+@[^\s@,;:<>()"\\]+""")
_LINE_BREAKS = {"Cc", "Zl", "Zp"}


@dataclass(frozen=True)
class Attachment:
    """A file attached to a mail; the extension of its name (`.html`) determines the type. Raises InvalidMail."""

    name: str
    content: bytes

    def __post_init__(self) -> None:
        check_header("attachment name", self.name)


@dataclass(frozen=True)
class Mail:
    """A mail to one address: plain text and, optionally, an HTML alternative.

    With `html` the attachment is an inline picture, which the HTML references as `cid:NAME`, and is not listed as a
    file. Raises InvalidMail for a header value that would allow header injection.
    """

    to: str
    subject: str
    text: str
    attachment: Attachment | None = None
    html: str | None = None

    def __post_init__(self) -> None:
        check_address("to", self.to)
        check_header("subject", self.subject)


def check_address(header: str, address: str) -> None:
    """Raise InvalidMail unless `address` is a single bare address on one line."""
    check_header(header, address)
    if not _ADDRESS.fullmatch(address):
        raise InvalidMail(f"{header}: {address!r} is not a single mail address such as admin@example.org")


def check_header(header: str, value: str) -> None:
    """Raise InvalidMail if a header's value is empty or contains a line break or another control character."""
    if not value.strip():
        raise InvalidMail(f"{header}: is empty")
    if any(unicodedata.category(character) in _LINE_BREAKS for character in value):
        # Python 3.11's email package accepts some line breaks, which would start a second header.
        raise InvalidMail(f"{header}: {value!r} contains a line break or control character; remove it")
