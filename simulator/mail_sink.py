"""A mail server for the demo and the tests: it takes every mail and lays it in a folder, and sends nothing on."""

import os
import re
from email import message_from_bytes, policy
from pathlib import Path
from types import TracebackType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_HOST = "127.0.0.1"


class MailSink:
    """While entered, an SMTP server on the loopback address; `port` 0 takes a free one.

    Each mail becomes one `.eml` file, named by its number in the folder and its subject, complete as soon as it is
    there. Raises OSError where the port is taken.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self._server = _AnyPort(_ToFolder(folder), hostname=_HOST, port=port)

    @property
    def url(self) -> str:
        """Where it listens, as TQS_SMTP_URL takes it."""
        return f"smtp://{_HOST}:{self._server.port}"

    def mails(self) -> list[Path]:
        """The mails in the folder, oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def start(self) -> None:
        """Make the folder and begin to listen."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def __enter__(self) -> "MailSink":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _AnyPort(Controller):  # type: ignore[misc]  # aiosmtpd ships no types
    def _trigger_server(self) -> None:
        # The controller greets itself once to see that it listens; only now is the port known.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class _ToFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        number = 1 + max((int(path.name[:4]) for path in self._folder.glob("[0-9][0-9][0-9][0-9]*.eml")), default=0)
        path = self._folder / f"{number:04d}-{_slug(content)}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
        return "250 OK"


def _slug(content: bytes) -> str:
    subject = str(message_from_bytes(content, policy=policy.default)["Subject"] or "no subject")
    return re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")[:60] or "mail"
