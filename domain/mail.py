"""A mail to one person, as it waits in the outbox and as it is sent."""

import re
import unicodedata
from dataclasses import dataclass

from domain.errors import InvalidMail

_ADDRESS = re.compile(r"""[^\s@,;:<>()"\\]+@[^\s@,;:<>()"\\]+""")
_LINE_BREAKS = {"Cc", "Zl", "Zp"}


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail; its name ends in what it is, such as `.html`. Raises InvalidMail."""

    name: str
    content: bytes

    def __post_init__(self) -> None:
        check_header("attachment name", self.name)


@dataclass(frozen=True)
class Mail:
    """A mail to one address: text and, for readers that show it, the same in HTML.

    With `html` the attachment is not listed as a file: it is a picture that the HTML shows as `cid:NAME`.
    Raises InvalidMail for a header that could smuggle in another.
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
    """Raise InvalidMail unless it is one bare address on one line."""
    check_header(header, address)
    if not _ADDRESS.fullmatch(address):
        raise InvalidMail(f"{header}: {address!r} is not one mail address such as admin@example.org")


def check_header(header: str, value: str) -> None:
    """Raise InvalidMail if a header's value is empty, or holds a line break or another control character."""
    if not value.strip():
        raise InvalidMail(f"{header}: it is empty")
    if any(unicodedata.category(character) in _LINE_BREAKS for character in value):
        # Python 3.11's email package lets some line breaks through, and a second header with them.
        raise InvalidMail(f"{header}: {value!r} holds a line break or control character; leave it out")
