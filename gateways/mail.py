"""Mail by SMTP; errors distinguish mail that was not sent from mail that may have been."""

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
    """Send a mail through `smtp://[user:password@]host:port`; a password is sent only after STARTTLS.

    `key` identifies the mail: a repeated send carries the same Message-ID, so that mail systems can drop a duplicate.
    Each step waits at most `timeout` seconds. Raises InvalidMail; MailNotSent if it was certainly not sent and can be
    retried; MailOutcomeUnknown if the connection broke after the server may have accepted it.
    """
    check_address("sender", sender)
    message = compose(mail, sender, key, now)
    with _connected(urlsplit(smtp_url), _domain(sender), timeout) as server:
        try:
            server.send_message(message, from_addr=sender, to_addrs=[mail.to])
        except _REFUSALS as error:
            raise MailNotSent(f"{mail.to}: the mail server rejected the mail: {_words(error)}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailOutcomeUnknown(
                f"{mail.to}: the connection broke during sending; the mail may be delivered: {_words(error)}"
            ) from error


def check_server(smtp_url: str, sender: str, timeout: float) -> None:
    """Connect, sign in and disconnect. Raises MailNotSent if the server does not respond or refuses the sign-in."""
    with _connected(urlsplit(smtp_url), _domain(sender), timeout):
        pass


def compose(mail: Mail, sender: str, key: str, now: datetime) -> EmailMessage:
    """The mail as a MIME message dated `now`."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"  # prevents out-of-office replies (RFC 3834)
    message.set_content(mail.text)
    page = _add_html(message, mail.html) if mail.html is not None else None
    if mail.attachment:
        _add_file(message, page, mail.attachment)
    return message


def _add_html(message: EmailMessage, html: str) -> EmailMessage:
    """Add the HTML as an alternative to the text; returns its MIME part."""
    message.add_alternative(html, subtype="html")
    _, page = message.iter_parts()
    return cast("EmailMessage", page)


def _add_file(message: EmailMessage, page: EmailMessage | None, file: Attachment) -> None:
    """Add a file to the mail as an attachment, or to the HTML part as an inline picture."""
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
        # Without `local_hostname` smtplib queries the resolver, which can take long where there is none.
        server = smtplib.SMTP(url.hostname or "", url.port or 25, local_hostname=local_name, timeout=timeout)
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(
            f"the mail server {url.hostname}:{url.port} does not respond ({_words(error)}): check TQS_SMTP_URL"
        ) from error
    try:
        _sign_in(server, url)
        yield server
        with suppress(OSError, smtplib.SMTPException):  # the mail is accepted already; a failed QUIT changes nothing
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
            f"the mail server {url.hostname}:{url.port} refuses the sign-in ({_words(error)}): check TQS_SMTP_URL"
        ) from error


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return f"{error.smtp_code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        return f"{code} {reply.decode(errors='replace')}"
    return str(error) or type(error).__name__
