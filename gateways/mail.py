"""Mail by SMTP, telling apart what was surely not sent from what may have been."""

import hashlib
import mimetypes
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit

from domain.errors import MailNotSent, MailOutcomeUnknown
from domain.mail import Attachment, Mail, check_address

_REFUSALS = (
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
    UnicodeEncodeError,
)


def send(mail: Mail, smtp_url: str, *, sender: str, key: str, now: datetime, timeout: float = 20.0) -> None:
    """Send a mail through `smtp://[user:password@]host:port`; with a password only after STARTTLS.

    `key` names the mail: sending it again carries the same Message-ID, so that mail systems can drop the second.
    Each step waits `timeout` seconds at most. Raises InvalidMail; MailNotSent when it surely did not go, so that it
    can be tried again; MailOutcomeUnknown when the server went away after it may have accepted it.
    """
    check_address("sender", sender)
    message = compose(mail, sender, key, now)
    with _connected(urlsplit(smtp_url), _domain(sender), timeout) as server:
        try:
            server.send_message(message, from_addr=sender, to_addrs=[mail.to])
        except _REFUSALS as error:
            raise MailNotSent(f"{mail.to}: the mail server refused the mail: {_words(error)}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailOutcomeUnknown(
                f"{mail.to}: the mail server went away while it took the mail, which may have gone: {_words(error)}"
            ) from error


def check_server(smtp_url: str, sender: str, timeout: float) -> None:
    """Connect, sign in and leave. Raises MailNotSent if the server does not answer or refuses the sign-in."""
    with _connected(urlsplit(smtp_url), _domain(sender), timeout):
        pass


def compose(mail: Mail, sender: str, key: str, now: datetime) -> EmailMessage:
    """The mail as a message, dated `now`."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"  # keeps out-of-office replies away (RFC 3834)
    message.set_content(mail.text)
    page = _add_html(message, mail.html) if mail.html is not None else None
    if mail.attachment:
        _add_file(message, page, mail.attachment)
    return message


def _add_html(message: EmailMessage, html: str) -> EmailMessage:
    """Add the HTML as the alternative to the text; gives its part."""
    message.add_alternative(html, subtype="html")
    _, page = message.iter_parts()
    return cast("EmailMessage", page)


def _add_file(message: EmailMessage, page: EmailMessage | None, file: Attachment) -> None:
    """Add a file: to the mail, or to the page that shows it."""
    main, _, sub = (mimetypes.guess_type(file.name)[0] or "application/octet-stream").partition("/")
    if page is None:
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    else:
        page.add_related(
            file.content, maintype=main, subtype=sub, cid=f"<{file.name}>", filename=file.name, disposition="inline"
        )


@contextmanager
def _connected(url: SplitResult, local_name: str, timeout: float) -> Iterator[smtplib.SMTP]:
    try:
        # Without a name of our own smtplib asks the resolver, which can take long where there is none.
        server = smtplib.SMTP(url.hostname or "", url.port or 25, local_hostname=local_name, timeout=timeout)
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(
            f"the mail server {url.hostname}:{url.port} does not answer ({_words(error)}): check TQS_SMTP_URL"
        ) from error
    try:
        _sign_in(server, url)
        yield server
        with suppress(OSError, smtplib.SMTPException):  # the mail is accepted by now; a lost goodbye changes nothing
            server.quit()
    finally:
        server.close()


def _sign_in(server: smtplib.SMTP, url: SplitResult) -> None:
    if not url.username:
        return
    try:
        server.starttls(context=ssl.create_default_context())
        server.login(unquote(url.username), unquote(url.password or ""))
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(
            f"the mail server {url.hostname}:{url.port} lets nobody in ({_words(error)}): check TQS_SMTP_URL"
        ) from error


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return f"{code} {said.decode(errors='replace')}"
    return str(error) or type(error).__name__
