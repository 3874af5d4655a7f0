"""The dashboard in a real browser, over a real PostgreSQL."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tornado.ioloop import IOLoop

from domain.scores import Reason, Score
from domain.vocabulary import Party, ReasonCode, ScoreKind, SubjectKind
from store.database import Engine, make_engine
from store.load import load
from store.scores import save_scores
from tests.api_parts import NOW
from tests.histories import dataset
from ui.app import create_app
from ui.server import serve
from ui.sign_in import USER, credentials

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
SCRIPT = "<script>document.title = 'owned'</script>"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium is installed at /usr/bin/chromium"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of tornado's and bokeh's own
    pytest.mark.filterwarnings("ignore::bokeh.util.warnings.BokehUserWarning"),
]


def _score(kind: ScoreKind, value: float, subject_id: str, subject: SubjectKind = SubjectKind.TUTOR) -> Score:
    return Score(
        subject_kind=subject,
        subject_id=subject_id,
        kind=kind,
        value=value,
        low=value / 2,
        high=(1 + value) / 2,
        reasons=(
            Reason(theme="no-shows", text=f"4 no-shows {SCRIPT}", effect=1.2),
            Reason(theme="load", text="8 sessions in the last 7 days", effect=-0.4),
        ),
        action=f"Call {subject_id} today.",
        model_version="7",
        as_of=NOW,
    )


@pytest.fixture
def marketplace(engine: Engine) -> Engine:
    """Three tutors, one of each level; the first has a name that is a script, sessions and a reschedule."""
    starts_at = NOW + timedelta(hours=20)
    session = {"tutor_id": "ada", "student_id": "s1", "booked_at": NOW - timedelta(days=9)}
    rows = {
        "tutors": [
            {"tutor_id": "ada", "name": f"Ada {SCRIPT}", "timezone": "Asia/Tokyo"},
            {"tutor_id": "ben", "name": "Ben"},
            {"tutor_id": "cleo", "name": "Cleo"},
        ],
        "students": [{"student_id": "s1"}],
        "sessions": [
            session | {"session_id": "next", "starts_at": starts_at, "status": "booked"},
            session | {"session_id": "missed", "starts_at": NOW - timedelta(days=1), "status": "no_show"},
        ],
        "reschedules": [
            {
                "reschedule_id": "r1",
                "session_id": "next",
                "tutor_id": "ada",
                "initiator": Party.TUTOR,
                "requested_at": NOW - timedelta(days=2),
                "old_starts_at": NOW,
                "new_starts_at": starts_at,
                "reason_text": f"My daughter is ill {SCRIPT}",
                "reason_code": ReasonCode.FAMILY,
            }
        ],
    }
    load(engine, dataset(rows))
    values = {"ada": 0.81, "ben": 0.34, "cleo": 0.02}
    kinds = (ScoreKind.HELP, ScoreKind.NO_SHOW_14D, ScoreKind.CHURN_30D)
    save_scores(engine, [_score(kind, value, tutor) for tutor, value in values.items() for kind in kinds])
    save_scores(engine, [_score(ScoreKind.NO_SHOW, 0.57, "next", SubjectKind.SESSION)])
    return engine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def _dashboard(engine: Engine, folder: Path) -> Iterator[str]:
    """The address of a dashboard, served from a thread as in production from a process."""
    started = threading.Event()
    found: list[tuple[int, IOLoop]] = []

    def run() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        server = serve(create_app(engine, lambda: NOW), folder, port=0)
        found.append((server.port, IOLoop.current()))
        IOLoop.current().add_callback(started.set)
        server.io_loop.start()
        server.stop()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(30)
    (port, loop) = found[0]
    yield f"http://127.0.0.1:{port}"
    loop.add_callback(loop.stop)
    thread.join(10)


@contextmanager
def _signed_in(browser: Browser, address: str, folder: Path) -> Iterator[tuple[Page, list[str]]]:
    """A page that has signed in, and every address it has asked for."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.fill("[name=username]", USER)
    page.fill("[name=password]", credentials(folder)[USER])
    page.click("button")
    yield page, asked
    context.close()


def test_the_list_the_filter_the_search_and_a_tutors_page(
    marketplace: Engine, browser: Browser, tmp_path: Path
) -> None:
    with _dashboard(marketplace, tmp_path) as address, _signed_in(browser, address, tmp_path) as (page, asked):
        rows = page.locator("table.ranking tbody tr")
        expect(rows).to_have_count(3, timeout=30_000)
        expect(rows.nth(0)).to_contain_text(f"Ada {SCRIPT}")  # shown, not run
        for words in ("81", "Act now", "4 no-shows", "Call ada today."):
            expect(rows.nth(0)).to_contain_text(words)
        page.get_by_role("button", name="Watch (1)").click()
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("Ben")
        page.get_by_role("button", name="All (3)").click()
        page.get_by_label("Search by name or id").fill("cle")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("Cleo")
        page.get_by_label("Search by name or id").fill("ada")
        expect(rows).to_have_count(1)
        rows.get_by_role("link").click()
        expect(page.locator(".cards article")).to_have_count(3, timeout=30_000)
        _check_tutor(page)
        assert page.title() == "Tutor Quality"
        assert {urlsplit(url.removeprefix("blob:")).hostname for url in asked} == {"127.0.0.1"}


def _check_tutor(page: Page) -> None:
    body = page.locator("body")
    for words in ("81", "95 % interval", "raises", "lowers", "Call ada today.", f"4 no-shows {SCRIPT}"):
        expect(page.locator(".cards, .action").filter(has_text=words).first).to_be_visible()
    for words in ("Next 48 hours", "57 %", "No-show", f"My daughter is ill {SCRIPT}", "Scores over time"):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_text("Tue 03 Mar 2026, 14:00").first).to_be_visible()  # 05:00 UTC in Tokyo
    expect(body).to_be_visible()


def test_nobody_enters_with_a_wrong_user_or_password(marketplace: Engine, browser: Browser, tmp_path: Path) -> None:
    with _dashboard(marketplace, tmp_path) as address:
        page = browser.new_page()
        for user, password in (("somebody", credentials(tmp_path)[USER]), (USER, "guess")):
            page.goto(address)
            page.fill("[name=username]", user)
            page.fill("[name=password]", password)
            page.click("button")
            expect(page.get_by_role("alert")).to_contain_text("Invalid")
        page.close()


def test_without_a_model_or_a_database_the_page_says_so(engine: Engine, browser: Browser, tmp_path: Path) -> None:
    with _dashboard(engine, tmp_path) as address, _signed_in(browser, address, tmp_path) as (page, _):
        expect(page.get_by_text("No model has been trained yet")).to_be_visible(timeout=30_000)
    nowhere = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    with _dashboard(nowhere, tmp_path) as address, _signed_in(browser, address, tmp_path) as (page, _):
        expect(page.get_by_text("The database does not answer")).to_be_visible(timeout=30_000)
        page.goto(f"{address}/tutor?id=ada")
        expect(page.get_by_text("The database does not answer")).to_be_visible(timeout=30_000)


def test_the_password_is_kept_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = credentials(tmp_path)
    assert credentials(tmp_path) == first
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
