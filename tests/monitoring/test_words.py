import html as html_module
import re
from datetime import UTC, datetime

from gateways.mail import compose
from monitoring.decision import DriftReport
from tests.lib.drift_windows import mail_of


def test_the_mail_says_what_changed_by_how_much_and_what_to_do(drifted: DriftReport) -> None:
    mail = mail_of(drifted)
    subject, text = mail.subject, mail.text
    assert subject == "Drift check: retrain · no-show model"
    assert text.startswith("2 of 5 columns differ from the data the model was trained on")
    assert re.search(
        r"- Hours since the tutor's last message to anyone: (19|20)\S* hours on average before, (39|4\d)", text
    )
    assert re.search(r"- Weekday of the session in the tutor's time zone: Monday: 14 % of rows before, 4\d % now", text)
    assert "What to do: Run `tqs train`" in text
    assert "https://tutors.example.org/reports/drift-2026-03-02.html" in text


def test_the_mail_in_html_says_the_same_shows_what_moved_and_links_to_the_full_page(drifted: DriftReport) -> None:
    mail = mail_of(drifted)
    html = html_module.unescape(mail.html or "")
    for line in filter(None, mail.text.splitlines()):
        assert line.removeprefix("- ").removeprefix("What to do: ").removesuffix(":")[:40] in html or "sign in" in line
    assert '<a href="https://tutors.example.org/reports/drift-2026-03-02.html"' in html
    assert mail.attachment is not None
    assert f'src="cid:{mail.attachment.name}"' in html
    assert mail.attachment.content.startswith(b"\x89PNG")


def test_the_mail_weighs_under_300_kb_whatever_the_page_weighs(drifted: DriftReport) -> None:
    assert len(drifted.html) > 1_000_000
    sent = compose(mail_of(drifted), "quality@example.org", "drift 2026-03-02", datetime(2026, 3, 2, tzinfo=UTC))
    assert len(sent.as_bytes()) < 300_000


def test_a_quiet_week_has_no_picture(quiet: DriftReport) -> None:
    mail = mail_of(quiet)
    assert mail.attachment is None
    assert "cid:" not in (mail.html or "")
