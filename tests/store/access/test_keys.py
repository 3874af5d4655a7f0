"""API keys: shown once, stored as a hash, limited in scope, expiring, and revoked immediately."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from domain.errors import InvalidKey, UnknownSubject
from domain.keys import KeyWish, make_key
from domain.policy import Permission, Role
from serving.guard.authentication import INSTALLATION, LAST_USED_EVERY, Authenticator
from serving.guard.tokens import Tokens
from serving.resources import Resources
from store.access.audit import read_rows
from store.access.keys import create_key, find_key, list_keys, revoke_key
from store.db.engine import Engine, make_engine
from store.facts.load import load
from tests.lib.access_parts import TOKEN_SECRET, Clock, bearer, new_key, resources_of
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, problem, serving

SCORES = "/api/tutors/ada/scores"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resources(engine: Engine, clock: Clock) -> Resources:
    load(engine, marketplace())
    return resources_of(engine, clock)


@pytest.fixture
def api(resources: Resources) -> Iterator[httpx.Client]:
    with serving(resources) as address, httpx.Client(base_url=address, timeout=20) as client:
        assert resources.guard_context.authenticator.wait_listening(5)
        yield client


def _until(condition: Callable[[], bool], seconds: float = 2.0) -> float:
    """Wait until a condition is true. Returns the seconds elapsed."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.005)
    return time.monotonic() - began


def test_a_key_beyond_its_role_or_without_its_tutor_cannot_be_made() -> None:
    with pytest.raises(InvalidKey, match="the role read does not allow admin"):
        KeyWish("x", Role.READ, frozenset({Permission.ADMIN}))
    with pytest.raises(InvalidKey, match="tutor_id"):
        KeyWish("x", Role.TUTOR)
    with pytest.raises(InvalidKey, match="tutor_id"):
        KeyWish("x", Role.READ, tutor_id="ada")
    with pytest.raises(InvalidKey, match="past"):
        make_key(KeyWish("x", Role.READ, expires_at=NOW), NOW, "tests", secrets.token_bytes)


def test_a_key_and_its_audit_row_are_kept_together(engine: Engine) -> None:
    key, written = new_key(engine, Role.TUTOR, "ada", frozenset({Permission.SCORES_READ}))
    assert find_key(engine, key.id) == key
    assert [key] == list_keys(engine)
    with engine.connect() as connection:
        everything = connection.execute(text("SELECT api_keys::text FROM api_keys")).scalar_one()
    assert written.rpartition("_")[2] not in everything
    revoke_key(engine, key.id, INSTALLATION, NOW)
    revoke_key(engine, key.id, INSTALLATION, NOW + timedelta(days=1))
    kept = find_key(engine, key.id)
    assert kept is not None
    assert kept.revoked_at == NOW
    assert [row.row.action for row in read_rows(engine, key.id)] == ["keys.revoke", "keys.create"]
    with pytest.raises(UnknownSubject):
        revoke_key(engine, "nobody", INSTALLATION, NOW)


def test_an_admin_makes_lists_and_revokes_keys_over_http(api: httpx.Client) -> None:
    wish = {"name": "Rails", "role": "read", "scopes": ["scores:read"], "expires_at": "2026-04-01T00:00:00Z"}
    made = api.post("/api/admin/keys", json=wish, headers=HEADERS)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    key, key_id = made.json()["key"], made.json()["id"]
    listed = api.get("/api/admin/keys", headers=HEADERS)
    assert [one["id"] for one in listed.json()["keys"]] == [key_id]
    assert key.rpartition("_")[2] not in listed.text
    assert "sha256" not in listed.text
    assert api.get(SCORES, headers=bearer(key)).status_code == 200
    assert api.get(SCORES, headers={"x-api-key": key}).status_code == 200
    assert api.delete(f"/api/admin/keys/{key_id}", headers=HEADERS).status_code == 204
    problem(api.get(SCORES, headers=bearer(key)), 401, "wrong_key")
    problem(api.delete("/api/admin/keys/nobody", headers=HEADERS), 404, "unknown_subject")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"name": "x", "role": "read", "scopes": ["admin"]}, "invalid_key"),
        ({"name": "x", "role": "tutor"}, "invalid_key"),
        ({"name": "x", "role": "read", "expires_at": "2020-01-01T00:00:00Z"}, "invalid_key"),
        ({"name": "x", "role": "read", "expires_at": "9999-12-31T23:59:59-12:00"}, "invalid_request"),
        ({"name": "", "role": "read"}, "invalid_request"),
        ({"name": "x\u0000", "role": "read"}, "invalid_request"),
        ({"name": "x", "role": "king"}, "invalid_request"),
        ({"name": "x", "role": "read", "secret": "mine"}, "invalid_request"),
    ],
)
def test_a_key_that_makes_no_sense_is_a_problem(api: httpx.Client, wish: dict[str, object], code: str) -> None:
    problem(api.post("/api/admin/keys", json=wish, headers=HEADERS), 422, code)
    assert api.get("/api/admin/keys", headers=HEADERS).json()["keys"] == []


def test_a_wrong_secret_an_unknown_id_and_a_changed_letter_are_all_the_same_401(
    api: httpx.Client, engine: Engine
) -> None:
    key, written = new_key(engine)
    last = "0" if written[-1] != "0" else "1"
    details = {
        problem(api.get(SCORES, headers=bearer(wrong)), 401, "wrong_key")["detail"]
        for wrong in (written[:-1] + last, f"tqs_live_nobody_{'0' * 64}", f"tqs_live_{key.id}_0", KEY + "x")
    }
    assert len(details) == 1


def test_a_revocation_elsewhere_is_heard_of_within_a_second(api: httpx.Client, engine: Engine) -> None:
    key, written = new_key(engine)
    for _ in range(3):
        assert api.get(SCORES, headers=bearer(written)).status_code == 200
    elsewhere = make_engine(engine.url.render_as_string(hide_password=False))
    revoke_key(elsewhere, key.id, INSTALLATION, NOW)
    elsewhere.dispose()
    took = _until(lambda: api.get(SCORES, headers=bearer(written)).status_code == 401, seconds=1.0)
    print(f"revoked after {took * 1000:.0f} ms")


def test_a_key_ends_when_it_expires_though_it_is_remembered(api: httpx.Client, engine: Engine, clock: Clock) -> None:
    _, written = new_key(engine, expires_at=NOW + timedelta(seconds=30))
    assert api.get(SCORES, headers=bearer(written)).status_code == 200
    clock.go_on(seconds=29)
    assert api.get(SCORES, headers=bearer(written)).status_code == 200
    clock.go_on(seconds=1)
    problem(api.get(SCORES, headers=bearer(written)), 401, "wrong_key")


def test_who_is_known_is_asked_for_once_and_again_after_any_change(engine: Engine, clock: Clock) -> None:
    _, written = new_key(engine)
    callers = Authenticator(engine, KEY, Tokens(TOKEN_SECRET), clock)
    assert callers.authenticate(written).role is Role.READ
    assert callers.cached(written) is None  # not cached, as revocations are not notified yet
    callers.start()
    assert callers.wait_listening(5)
    _until(lambda: callers.authenticate(written) is not None and callers.cached(written) is not None)
    new_key(engine)
    _until(lambda: callers.cached(written) is None)
    callers.close()


def test_nobody_is_remembered_once_the_database_cannot_tell_us_of_changes(
    engine: Engine, server_url: str, clock: Clock
) -> None:
    _, written = new_key(engine)
    callers = Authenticator(engine, KEY, Tokens(TOKEN_SECRET), clock)
    callers.start()
    assert callers.wait_listening(5)
    _until(lambda: callers.authenticate(written) is not None and callers.cached(written) is not None)
    _on_server(server_url, f"ALTER DATABASE {engine.url.database} ALLOW_CONNECTIONS false")
    _on_server(
        server_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE application_name LIKE 'tqs listening%' AND datname = '{engine.url.database}'",
    )
    _until(lambda: callers.cached(written) is None)
    _on_server(server_url, f"ALTER DATABASE {engine.url.database} ALLOW_CONNECTIONS true")
    assert callers.wait_listening(5)  # the listener has reconnected
    _until(lambda: callers.authenticate(written) is not None and callers.cached(written) is not None)
    callers.close()


def _on_server(server_url: str, statement: str) -> None:
    elsewhere = make_engine(server_url)
    with elsewhere.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    elsewhere.dispose()


def test_when_a_key_was_last_used_is_written_once_a_minute(engine: Engine, clock: Clock) -> None:
    key, written = new_key(engine)
    callers = Authenticator(engine, KEY, Tokens(TOKEN_SECRET), clock)
    callers.authenticate(written)
    clock.go_on(seconds=59)
    callers.authenticate(written)
    callers.close()
    assert _last_used(engine, key.id) == NOW
    again = Authenticator(engine, KEY, Tokens(TOKEN_SECRET), clock)
    again.authenticate(written)
    clock.go_on(seconds=LAST_USED_EVERY.total_seconds())
    again.authenticate(written)
    again.close()
    assert _last_used(engine, key.id) == clock.now


def _last_used(engine: Engine, key_id: str) -> object:
    stored = find_key(engine, key_id)
    assert stored is not None
    return stored.last_used_at


def test_writing_down_a_use_wakes_nobody(engine: Engine, clock: Clock) -> None:
    _, written = new_key(engine)
    callers = Authenticator(engine, KEY, Tokens(TOKEN_SECRET), clock)
    callers.start()
    assert callers.wait_listening(5)
    _until(lambda: callers.authenticate(written) is not None and callers.cached(written) is not None)
    clock.go_on(minutes=2)
    assert callers.cached(written) is not None  # stores the time of use
    time.sleep(0.2)
    assert callers.cached(written) is not None
    callers.close()


def test_the_command_makes_lists_and_revokes_keys(engine: Engine, database_url: str, tmp_path: Path) -> None:
    environ = {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "MLFLOW_TRACKING_URI": "sqlite://"}

    def tqs(*arguments: str) -> Result:
        return CliRunner().invoke(app(), arguments, env=environ)

    made = tqs("keys", "create", "Ada's [page]", "--role", "tutor", "--tutor", "ada", "--json")
    assert made.exception is None
    assert made.stderr == "there is no tutor ada yet: the key takes effect once there is\n"
    key = json.loads(made.stdout)
    stored = find_key(engine, key["id"])
    assert stored is not None
    assert (stored.tutor_id, stored.created_by[:4]) == ("ada", "tqs:")
    assert stored.opens_with(key["key"].rpartition("_")[2])
    assert tqs("keys", "revoke", key["id"]).exit_code == 0
    listed = tqs("keys", "list").stdout
    assert "revoked" in listed
    assert "[page]" in listed
    assert "keys.revoke" in tqs("audit", "--subject", key["id"]).stdout
    wrong = tqs("keys", "create", "x", "--role", "tutor").exception
    assert isinstance(wrong, InvalidKey)
    assert wrong.exit_code == 2


def test_a_key_can_be_made_from_anything_printable(engine: Engine) -> None:
    wish = KeyWish("[bold]“Rails”, 東京", Role.INGEST)
    key, _ = create_key(engine, wish, INSTALLATION, NOW, secrets.token_bytes)
    kept = find_key(engine, key.id)
    assert kept is not None
    assert kept.name == wish.name
