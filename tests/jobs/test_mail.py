"""Sending of queued mails: each is sent once, and its outcome is stored."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.mail import Mail
from gateways.settings import Settings, load_settings
from jobs.mail import send_mails
from simulator.mail_sink import MailSink
from store.outgoing.mail import enqueue_mail, unknown_mails
from tests.lib.inbox_parts import rows

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def _settings(**more: str) -> Settings:
    return load_settings({"TQS_MAIL_FROM": "tqs@example.org", **more})


@pytest.fixture
def queued(engine: Engine) -> Engine:
    enqueue_mail(engine, Mail("admin@example.org", "Drift", "Nothing drifted."), "drift", "drift 1", NOON)
    return engine


def test_a_mail_waits_without_a_mail_server_and_is_sent_once_with_one(queued: Engine, tmp_path: Path) -> None:
    assert send_mails(queued, _settings(), NOON) == 0
    with MailSink(tmp_path) as sink:
        settings = _settings(TQS_SMTP_URL=sink.url)
        assert send_mails(queued, settings, NOON) == 1
        assert send_mails(queued, settings, NOON) == 0
        assert len(sink.mails()) == 1
    assert [row.status for row in rows(queued, "SELECT status FROM outgoing_messages")] == ["delivered"]


def test_a_mail_that_no_server_takes_has_failed_and_its_reason_is_stored(
    queued: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send_mails(queued, _settings(TQS_SMTP_URL="smtp://127.0.0.1:1"), NOON) == 0
    (row,) = rows(queued, "SELECT status, error FROM outgoing_messages JOIN delivery_attempts AS a ON a.message_id = 1")
    assert row.status == "failed"
    assert row.error in capsys.readouterr().out
    assert unknown_mails(queued) == []
