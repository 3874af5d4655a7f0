"""SMTP server for the demo and the tests that stores every mail in a folder and relays none."""

import os
import re
from email import message_from_bytes, policy
from pathlib import Path
from types import TracebackType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_HOST = "127.0.0.1"


class MailSink:
    """Context manager for an SMTP server on the loopback address; `port` 0 selects a free one.

    Each mail is stored atomically as one `.eml` file, named by its number in the folder and its subject. Raises OSError
    if the port is in use.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self._server = _AnyPort(_ToFolder(folder), hostname=_HOST, port=port)

    @property
    def url(self) -> str:
        """Address of the server, in the format of TQS_SMTP_URL."""
        return f"smtp://{_HOST}:{self._server.port}"

    def mails(self) -> list[Path]:
        """Mails in the folder, oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def start(self) -> None:
        """Create the folder and start listening."""
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
        # The controller connects to itself once to check that it listens; the port is known only now.
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
