"""Access to the dashboard over real HTTP: sign-in, sign-out, cookies, headers, limits and reports."""

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from gateways.embedded_postgres.databases import create_database
from store.access.audit import read_rows
from store.db.engine import Engine, make_engine, upgrade
from tests.lib.dashboards import dashboard
from ui.access.attempts import BY_ADDRESS, BY_USER, WINDOW, Attempts
from ui.access.sign_in import USER, credentials
from ui.access.sign_in_pages import local_path

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REPORT = "drift-2026-11-23.html"


@pytest.fixture(scope="module")
def engine(server_url: str) -> Iterator[Engine]:
    engine = make_engine(create_database(server_url, "dashboard_sign_in"))
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sign_in")
    (folder / "reports").mkdir()
    (folder / "reports" / REPORT).write_text("<h1>Drift</h1>")
    (folder / "reports" / "secret.txt").write_text("not a report")
    return folder


@pytest.fixture(scope="module")
def address(engine: Engine, folder: Path) -> Iterator[str]:
    url = engine.url.render_as_string(hide_password=False)
    with dashboard(url, folder, TQS_UI_URL="https://tutors.example.org") as address:
        yield address


@pytest.fixture
def visitor(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as client:
        yield client


def _sign_in(visitor: httpx.Client, password: str, wanted: str = "/", user: str = USER) -> httpx.Response:
    page = visitor.get("/login", params={"next": wanted})
    form = dict(re.findall(r'name="(_xsrf|next)" value="([^"]*)"', page.text))
    # The cookies are marked Secure, so over http the client must send them explicitly.
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies.jar)
    data = form | {"username": user, "password": password}
    return visitor.post("/login", data=data, headers={"cookie": cookies})


def _user_cookie(response: httpx.Response) -> str:
    (cookie,) = (c for c in response.headers.get_list("set-cookie") if c.startswith("user="))
    return str(cookie)


def test_the_cookie_of_a_sign_in_is_kept_from_scripts_other_sites_and_plain_http(
    visitor: httpx.Client, folder: Path
) -> None:
    answer = _sign_in(visitor, credentials(folder)[USER])
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Lax", "Secure"} <= {part.strip() for part in _user_cookie(answer).split(";")}


@pytest.mark.parametrize(
    "wanted",
    ["///evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
     "/\t/evil.example", "javascript:alert(1)", "evil.example", "/ /evil.example", "", "/%0d%0aSet-Cookie:x=y\r\nX: y"],
)  # fmt: skip
def test_a_sign_in_leads_to_no_other_site(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_a_sign_in_leads_back_to_the_page_that_was_wanted(visitor: httpx.Client, folder: Path) -> None:
    assert local_path("/tutor?id=tutor-17") == "/tutor?id=tutor-17"
    assert visitor.get("/upcoming").headers["location"] == "./login?next=%2Fupcoming"
    answer = _sign_in(visitor, credentials(folder)[USER], wanted="///evil.example")
    assert answer.headers["location"] == "/"


def test_a_form_of_another_site_signs_nobody_in(visitor: httpx.Client, folder: Path) -> None:
    form = {"username": USER, "password": credentials(folder)[USER]}
    assert visitor.post("/login", data=form).status_code == 403
    assert (
        visitor.post("/login", data=form | {"_xsrf": "guess"}, headers={"cookie": "_xsrf=another"}).status_code == 403
    )


@pytest.mark.parametrize("path", ["/login", "/", "/static/js/bokeh.min.js", "/nowhere", "/favicon.ico"])
def test_every_answer_carries_the_security_headers(visitor: httpx.Client, path: str) -> None:
    headers = visitor.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_signing_in_and_out_and_refusals_are_in_the_audit(visitor: httpx.Client, folder: Path, engine: Engine) -> None:
    before = len(read_rows(engine, actor="dashboard")) + len(read_rows(engine, actor="unknown"))
    entered = _sign_in(visitor, credentials(folder)[USER])
    assert _sign_in(visitor, "wrong", user="typed-by-mistake").status_code == 401
    cookie = _user_cookie(entered).partition(";")[0]
    left = visitor.get("/logout", headers={"cookie": cookie})
    assert _user_cookie(left).startswith('user="";')
    ours = [row.row for row in [*read_rows(engine, actor="dashboard"), *read_rows(engine, actor="unknown")]]
    assert len(ours) == before + 3
    newest = {(row.actor, row.action) for row in ours}
    assert {("dashboard", "dashboard sign-in"), ("dashboard", "dashboard sign-out")} <= newest
    assert ("unknown", "dashboard sign-in refused") in newest
    assert "typed-by-mistake" not in repr(ours)


def test_a_link_on_another_site_signs_nobody_out(visitor: httpx.Client) -> None:
    answer = visitor.get("/logout", headers={"sec-fetch-site": "cross-site"})
    assert (answer.headers["location"], answer.headers.get_list("set-cookie")) == ("/", [])


def test_a_report_is_for_those_who_are_signed_in(visitor: httpx.Client, folder: Path) -> None:
    path = f"/reports/{REPORT}"
    assert visitor.get(path).headers["location"] == f"/login?next={path}"
    cookie = _user_cookie(_sign_in(visitor, credentials(folder)[USER])).partition(";")[0]
    found = visitor.get(path, headers={"cookie": cookie})
    assert found.text == "<h1>Drift</h1>"
    assert found.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    for other in ("/reports/secret.txt", "/reports/..%2Fdashboard_password", "/reports/drift-2026-11-24.html"):
        assert visitor.get(other, headers={"cookie": cookie}).status_code == 404
    assert visitor.get(path, headers={"cookie": cookie[:-3] + "abc"}).status_code == 302


def test_a_session_id_that_a_visitor_chose_is_refused(visitor: httpx.Client, folder: Path) -> None:
    cookie = _user_cookie(_sign_in(visitor, credentials(folder)[USER])).partition(";")[0]
    answer = visitor.get("/", params={"bokeh-session-id": "chosen"}, headers={"cookie": cookie})
    assert answer.status_code == 403


def test_wrong_passwords_are_forgotten_after_the_window_and_other_addresses_are_not_held_up() -> None:
    moment = NOW
    attempts = Attempts(lambda: moment)
    for _ in range(BY_ADDRESS):
        attempts.wrong("10.0.0.1", USER)
    assert attempts.wait("10.0.0.1", "another") == WINDOW
    assert attempts.wait("10.0.0.2", USER) == timedelta()
    for number in range(BY_USER):
        attempts.wrong(f"10.0.1.{number}", USER)
    assert attempts.wait("10.0.0.2", USER) == WINDOW
    moment = NOW + WINDOW
    assert attempts.wait("10.0.0.1", USER) == timedelta()


def test_half_a_request_does_not_hold_a_connection_for_ever(address: str) -> None:
    from ui.server import _LIMITS

    assert float(str(_LIMITS["idle_connection_timeout"])) <= 30
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)
        connection.settimeout(5)
        assert connection.recv(100) == b""  # closed, because the headers exceed the limit


def test_after_many_wrong_passwords_an_address_waits_even_with_the_right_one(
    visitor: httpx.Client, folder: Path
) -> None:
    """Must be the last test of this module: afterwards this address is locked out."""
    answers = [_sign_in(visitor, "guess").status_code for _ in range(BY_ADDRESS)]
    last = _sign_in(visitor, credentials(folder)[USER])
    assert answers[0] == 401
    assert set(answers) <= {401, 429}  # an earlier test may have sent wrong passwords, too
    assert last.status_code == 429
    assert 0 < int(last.headers["retry-after"]) <= WINDOW.total_seconds()
    assert "Try again in 5 min." in last.text
