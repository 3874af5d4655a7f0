"""The dashboard in a real browser, on a real PostgreSQL."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from secrets import token_bytes
from typing import cast
from urllib.parse import urlsplit

import panel as pn
import pytest
from panel.viewable import Viewable
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rich.console import Console

from cli.top import print_top
from domain.errors import UnknownCaller
from domain.keys import KeyWish
from domain.policy import Principal, Role
from domain.promotion import Action, last_number
from domain.scores import Reason, Score
from domain.vocabulary import Party, ReasonCode, ScoreKind, SubjectKind, Task
from gateways.embedded_postgres.databases import create_database
from store.access.audit import read_rows
from store.access.keys import create_key, revoke_key
from store.db.engine import Engine, make_engine, upgrade
from store.facts.load import load
from store.ledger.models import record, record_model
from store.scores.records import save_scores
from tests.lib.dashboards import dashboard
from tests.lib.histories import dataset
from ui.access.sign_in import ADMIN, USER, Visitors, credentials
from ui.app import create_app
from ui.parts.score_history import history_plot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
SCRIPT = "<script>document.title = 'owned'</script>"

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
"""The present: the dashboard uses the real clock, so upcoming sessions must be in the future."""

NEXT = NOW + timedelta(hours=20)


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


@pytest.fixture(scope="module")
def database_url(server_url: str) -> str:
    """One database for this module: starting a dashboard takes seconds, so the tests share it."""
    url = create_database(server_url, "dashboard")
    engine = make_engine(url)
    upgrade(engine)
    _plant(engine)
    engine.dispose()
    return url


def _plant(engine: Engine) -> None:
    """Three tutors, one per band; the first has a script as a name, sessions and a reschedule."""
    session = {"tutor_id": "ada", "student_id": "s1", "booked_at": NOW - timedelta(days=9)}
    rows = {
        "tutors": [
            {"tutor_id": "ada", "name": f"Ada {SCRIPT}", "timezone": "Asia/Tokyo"},
            {"tutor_id": "ben", "name": "Ben"},
            {"tutor_id": "cleo", "name": "Cleo"},
        ],
        "students": [{"student_id": "s1"}],
        "sessions": [
            session | {"session_id": "next", "starts_at": NEXT, "status": "booked"},
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
                "new_starts_at": NEXT,
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dashboard")


@pytest.fixture(scope="module")
def address(database_url: str, folder: Path) -> Iterator[str]:
    with dashboard(database_url, folder) as address:
        yield address


@contextmanager
def _signed_in(browser: Browser, address: str, folder: Path) -> Iterator[tuple[Page, list[str]]]:
    """A signed-in page, with every address it has requested."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page, requested = context.new_page(), list[str]()
    page.on("request", lambda request: requested.append(request.url))
    page.goto(address)
    page.fill("[name=username]", USER)
    page.fill("[name=password]", credentials(folder)[USER])
    page.click("button")
    yield page, requested
    context.close()


def test_the_list_the_filter_the_search_and_a_tutors_page(browser: Browser, address: str, folder: Path) -> None:
    with _signed_in(browser, address, folder) as (page, requested):
        rows = page.locator("table.ranking tbody tr")
        expect(rows).to_have_count(3, timeout=30_000)
        expect(rows.nth(0)).to_contain_text(f"Ada {SCRIPT}")  # shown, not executed
        for words in ("81", "Act now", "4 no-shows", "Call ada today."):
            expect(rows.nth(0)).to_contain_text(words)
        page.get_by_role("button", name="Watch (1)").click()
        expect(rows).to_have_text([re.compile("Ben")])
        page.get_by_role("button", name="All (3)").click()
        expect(rows).to_have_count(3)
        search = page.get_by_label("Search by name or id")
        for typed, found in (("cle", ["Cleo"]), ("nobody", []), ("", ["Ada", "Ben", "Cleo"]), ("ADA", ["Ada"])):
            search.fill(typed)
            expect(rows).to_have_text([re.compile(name) for name in found])
        rows.get_by_role("link").click()
        expect(page.locator(".cards article")).to_have_count(3, timeout=30_000)
        _check_tutor(page)
        assert page.title() == "Tutor Quality"
        assert {urlsplit(url.removeprefix("blob:")).hostname for url in requested} == {"127.0.0.1"}


def _check_tutor(page: Page) -> None:
    for words in ("81", "95 % interval", "raises", "lowers", "Call ada today.", f"4 no-shows {SCRIPT}"):
        expect(page.locator(".cards, .action").filter(has_text=words).first).to_be_visible()
    for words in ("Next 48 hours", "57 %", "No-show", f"My daughter is ill {SCRIPT}", "Scores over time"):
        expect(page.get_by_text(words).first).to_be_visible()
    in_tokyo = NEXT + timedelta(hours=9)
    expect(page.get_by_text(in_tokyo.strftime("%a %d %b %Y, %H:%M")).first).to_be_visible()


def test_a_filtered_list_has_an_address(browser: Browser, address: str, folder: Path) -> None:
    with _signed_in(browser, address, folder) as (page, _):
        rows = page.locator("table.ranking tbody tr")
        for query, found in (("level=ok", ["Cleo"]), ("search=ben", ["Ben"]), ("level=none", ["Ada", "Ben", "Cleo"])):
            page.goto(f"{address}/?{query}")
            expect(rows).to_have_text([re.compile(name) for name in found], timeout=30_000)


def test_the_sessions_to_come_are_a_click_away_and_filtered_by_when_they_start(
    browser: Browser, address: str, folder: Path
) -> None:
    with _signed_in(browser, address, folder) as (page, _):
        page.get_by_role("link", name="Next 48 hours").click()
        rows = page.locator("table.upcoming tbody tr")
        expect(rows).to_have_count(1, timeout=30_000)
        in_tokyo = (NEXT + timedelta(hours=9)).strftime("%a %d %b %Y, %H:%M")
        for words in ("57 %", "Act now", in_tokyo, f"Ada {SCRIPT}", "s1", "4 no-shows", "Call next today."):
            expect(rows.nth(0)).to_contain_text(words)
        expect(rows.nth(0)).to_contain_text("effect not measured yet")
        page.get_by_role("button", name="24–48 h (0)").click()
        expect(page.get_by_text("No session matches.")).to_be_visible()
        page.goto(f"{address}/upcoming?window=soon&search=ada")
        expect(rows).to_have_count(1, timeout=30_000)
        assert page.title() == "Tutor Quality"


def test_pages_work_under_the_content_security_policy(browser: Browser, address: str, folder: Path) -> None:
    with _signed_in(browser, address, folder) as (page, _):
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        for path in ("/", "/tutor?id=ada", "/upcoming", "/contacts", "/unfinished"):
            page.goto(f"{address}{path}")
            expect(page.get_by_role("navigation").first).to_be_visible(timeout=30_000)
        assert complaints == []


def test_nobody_enters_with_a_wrong_user_or_password(browser: Browser, address: str, folder: Path) -> None:
    page = browser.new_page()
    for user, password in (("somebody", credentials(folder)[USER]), (USER, "guess")):
        page.goto(address)
        page.fill("[name=username]", user)
        page.fill("[name=password]", password)
        page.click("button")
        expect(page.get_by_role("alert")).to_have_text("User or password is wrong.")
    page.close()


def test_a_key_opens_the_pages_its_role_may_see(browser: Browser, address: str, database_url: str) -> None:
    engine = make_engine(database_url)
    key, text = create_key(engine, KeyWish("reader", Role.READ), ADMIN, NOW, token_bytes)
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.fill("[name=username]", key.id)
    page.fill("[name=password]", text)
    page.click("button")
    expect(page.locator("table.ranking tbody tr")).to_have_count(3, timeout=30_000)
    expect(page.get_by_role("link", name="Parked and failed")).to_have_count(0)
    page.goto(f"{address}/unfinished")
    expect(page.get_by_text("You have no access to this page")).to_be_visible(timeout=30_000)
    revoke_key(engine, key.id, ADMIN, datetime.now(UTC))
    page.goto(address)
    expect(page.get_by_text("Your key was revoked")).to_be_visible(timeout=30_000)
    assert {row.row.action for row in read_rows(engine, actor=key.id)} == {"dashboard sign-in", "dashboard ./"}
    context.close()
    engine.dispose()


def test_a_key_enters_with_its_id_and_the_whole_key_while_it_works(engine: Engine) -> None:
    moment = NOW
    visitors = Visitors(engine, {USER: "password"}, lambda: moment)
    wish = KeyWish("reader", Role.READ, expires_at=NOW + timedelta(hours=1))
    key, text = create_key(engine, wish, ADMIN, NOW, token_bytes)
    assert visitors.can_sign_in(USER, "password")
    assert visitors.can_sign_in(key.id, text)
    wrong = ((USER, text), (USER, ""), (key.id, "password"), ("somebody", text), (key.id, text[:-1]), ("", ""))
    assert not any(visitors.can_sign_in(user, password) for user, password in wrong)
    assert visitors.principal(USER) == ADMIN
    assert visitors.principal(key.id) == key.principal
    moment = NOW + timedelta(hours=1)
    assert not visitors.can_sign_in(key.id, text)
    for user in (key.id, "somebody", "", None):
        with pytest.raises(UnknownCaller):
            visitors.principal(user)


def test_a_tutor_sees_their_own_page_alone(engine: Engine) -> None:
    _plant(engine)
    pages = create_app(engine, lambda: NOW, lambda: Principal("k", Role.TUTOR, tutor_id="ada"))
    for address in ("/", "tutor", "upcoming", "contacts", "unfinished"):
        assert "You have no access to this page" in _said(pages[address]())
    assert read_rows(engine) == []


def test_a_kind_of_score_that_nobody_counted_is_not_in_the_legend() -> None:
    plot = history_plot([_score(ScoreKind.HELP, 0.5, "ada")]).object
    assert [item.label.value for item in plot.legend[0].items] == ["Needs help"]


@pytest.mark.parametrize(("limit", "title"), [(1, "The tutor who most needs help"), (2, "The 2 tutors who most need")])
def test_the_printed_list_counts_its_tutors(engine: Engine, limit: int, title: str) -> None:
    _plant(engine)
    console = Console(file=StringIO(), width=200)
    print_top(engine, console, NOW, limit)
    assert title in cast(StringIO, console.file).getvalue()


def test_without_a_model_the_list_says_so(engine: Engine) -> None:
    assert "No model has been trained yet" in _said(create_app(engine, lambda: NOW, lambda: ADMIN)["/"]())


def _judged(engine: Engine, name: str, action: Action, reason: str) -> None:
    version = f"{name}/{1 + last_number(version for _, version in record(engine, name))}"
    record_model(engine, name, version, b"ubj", {}, "train flow", reason, NOW, action)


def test_where_every_model_was_refused_the_list_says_no_usable_signal_and_why(engine: Engine) -> None:
    for name in Task:
        _judged(engine, name, Action.REFUSED, f"ROC AUC 0.501 of {name} <b>")
    page_text = _said(create_app(engine, lambda: NOW, lambda: ADMIN)["/"]())
    assert "No usable signal" in page_text
    assert "ROC AUC 0.501 of churn &lt;b&gt;" in page_text
    assert "ROC AUC 0.501 of no_show &lt;b&gt;" in page_text


def test_a_list_of_older_models_carries_the_warning_until_a_training_is_not_refused(engine: Engine) -> None:
    _plant(engine)
    _judged(engine, "no_show", Action.CHAMPION, "ranks well")
    assert "No usable signal" not in _said(create_app(engine, lambda: NOW, lambda: ADMIN)["/"]())
    _judged(engine, "no_show", Action.REFUSED, "ROC AUC 0.501")
    page_text = _said(create_app(engine, lambda: NOW, lambda: ADMIN)["/"]())
    assert "No usable signal" in page_text
    assert "come from earlier models" in page_text
    _judged(engine, "no_show", Action.CHALLENGER, "too few to say")
    assert "No usable signal" not in _said(create_app(engine, lambda: NOW, lambda: ADMIN)["/"]())


def test_a_model_that_waits_while_none_serves_is_told_with_the_reason(engine: Engine) -> None:
    _judged(engine, "no_show", Action.CHALLENGER, "calibration error 0.120")
    page_text = _said(create_app(engine, lambda: NOW, lambda: ADMIN)["/"]())
    assert "No model has passed the gate yet" in page_text
    assert "calibration error 0.120" in page_text


def test_without_a_database_both_pages_say_so() -> None:
    nowhere = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    for page in create_app(nowhere, lambda: NOW, lambda: ADMIN).values():
        assert "The database is unavailable" in _said(page())


def test_a_tutor_nobody_knows_is_a_sentence(engine: Engine) -> None:
    assert "No such tutor" in _said(create_app(engine, lambda: NOW, lambda: ADMIN)["tutor"]())


def _said(page: Viewable) -> str:
    return " ".join(pane.object for pane in page.select(pn.pane.HTML))


def test_the_password_is_kept_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = credentials(tmp_path)
    assert credentials(tmp_path) == first
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
