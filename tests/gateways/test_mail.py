import smtplib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from domain.errors import MailNotSent, MailOutcomeUnknown
from domain.mail import Attachment, Mail
from gateways.mail import send
from gateways.ports import free_port
from simulator.mail_sink import MailSink

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
SENDER = "tutor-quality@example.org"
MAIL = Mail("admin@example.org", "Drift check: keep", "Nothing to do.\n.\nTutor Žofie, 12 %\n")


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "mails") as running:
        yield running


def _send(mail: Mail, url: str, key: str = "drift/2026-W09", timeout: float = 5.0) -> None:
    send(mail, url, sender=SENDER, key=key, now=NOW, timeout=timeout)


def _read(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _port(server: Controller) -> str:
    return f"smtp://127.0.0.1:{server.port}"


def test_a_mail_arrives_in_the_sinks_folder_as_it_was_written(sink: MailSink) -> None:
    _send(MAIL, sink.url)
    (path,) = sink.mails()
    found = _read(path)
    body = found.get_body()
    assert path.name == "0001-drift-check-keep.eml"
    assert (found["To"], found["From"], found["Subject"]) == (MAIL.to, SENDER, MAIL.subject)
    assert found["Date"].datetime == NOW
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == MAIL.text


def test_html_arrives_beside_the_text_with_its_picture_inside(sink: MailSink) -> None:
    picture = Attachment("moved.png", b"\x89PNG\r\n\x00")
    _send(replace(MAIL, html='<p>Two columns <img src="cid:moved.png"></p>', attachment=picture), sink.url)
    mail = _read(sink.mails()[0])
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert "cid:moved.png" in html.get_content()
    (shown,) = (part for part in mail.walk() if part.get_content_type() == "image/png")
    assert (shown["Content-ID"], shown.get_content()) == ("<moved.png>", picture.content)
    assert list(mail.iter_attachments()) == []


def test_an_attachment_arrives_byte_for_byte(sink: MailSink) -> None:
    content = b"<html>\r\n\x00\xff" * 1000
    _send(Mail(MAIL.to, MAIL.subject, MAIL.text, Attachment("drift réport.html", content)), sink.url)
    (part,) = _read(sink.mails()[0]).iter_attachments()
    assert part.get_filename() == "drift réport.html"
    assert part.get_content_type() == "text/html"
    assert part.get_payload(decode=True) == content


def test_the_same_key_gives_the_same_message_id_and_another_another(sink: MailSink) -> None:
    for key in ("one", "one", "two"):
        _send(MAIL, sink.url, key)
    first, again, other = (_read(path)["Message-ID"] for path in sink.mails())
    assert first == again
    assert first != other


def test_a_restarted_sink_goes_on_numbering(tmp_path: Path) -> None:
    for _ in range(2):
        with MailSink(tmp_path) as sink:
            _send(MAIL, sink.url)
    assert [path.name[:4] for path in sink.mails()] == ["0001", "0002"]


def test_a_server_that_is_not_there_surely_sent_nothing() -> None:
    with pytest.raises(MailNotSent, match=r"127\.0\.0\.1:\d+ does not respond .*TQS_SMTP_URL"):
        _send(MAIL, f"smtp://127.0.0.1:{free_port('127.0.0.1')}")


def test_a_server_that_never_greets_is_given_up_after_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MailNotSent, match="timed out"):
        _send(MAIL, f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)


def test_a_password_is_never_sent_in_the_clear(sink: MailSink) -> None:
    with pytest.raises(MailNotSent, match="refuses the sign-in") as caught:
        _send(MAIL, sink.url.replace("smtp://", "smtp://me:secret@"))
    assert "secret" not in str(caught.value)
    assert sink.mails() == []


class _Refusing:
    def __init__(self, step: str) -> None:
        self._step = step

    async def handle_RCPT(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]
        envelope.rcpt_tos.append(address)
        return "550 no such person" if self._step == "recipient" else "250 OK"

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]
        return "554 not today"


@pytest.mark.parametrize(("step", "reply"), [("recipient", "550 no such person"), ("content", "554 not today")])
def test_a_refusal_surely_sent_nothing_and_says_why(step: str, reply: str) -> None:
    server = Controller(_Refusing(step), hostname="127.0.0.1", port=free_port("127.0.0.1"))
    server.start()
    try:
        with pytest.raises(MailNotSent, match=reply):
            _send(MAIL, _port(server))
    finally:
        server.stop()


def test_a_server_that_dies_with_the_mail_in_hand_leaves_the_outcome_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dying = threading.Thread(target=_take_all_but_the_goodbye, args=(listening,), daemon=True)
        dying.start()
        with pytest.raises(MailOutcomeUnknown, match="may be delivered"):
            _send(MAIL, f"smtp://127.0.0.1:{listening.getsockname()[1]}")
        dying.join()


def _take_all_but_the_goodbye(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    connection.settimeout(5)
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 here\r\n")
        for line in lines:
            if line.upper().startswith(b"DATA"):
                break
            connection.sendall(b"250 OK\r\n")
        connection.sendall(b"354 go on\r\n")
        for line in lines:
            if line == b".\r\n":
                break


def test_the_sink_listens_to_this_machine_only(sink: MailSink) -> None:
    assert sink.url.startswith("smtp://127.0.0.1:")
    with smtplib.SMTP("127.0.0.1", int(sink.url.rpartition(":")[2]), local_hostname="here") as server:
        assert server.noop()[0] == 250
