"""Rate limits, counted in the memory of one process and in the database shared by all processes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import text

from domain.errors import DatabaseUnavailable, InvalidSettings
from gateways.settings import load_settings
from serving.guard.memory_counts import MemoryCounts
from serving.guard.rate_limits import Limits, limits_of
from serving.resources import Resources
from serving.state.champions import Champions
from store.access.rate_limits import PRUNE_EVERY, PostgresStorage
from store.db.engine import Engine, make_engine
from tests.lib.access_parts import TOKEN_SECRET, Clock, bearer, new_key
from tests.lib.api_parts import HEADERS, KEY, problem, serving

OPENAPI = "/api/openapi.json"

TOKEN_PATH = "/api/oauth/token"


@pytest.fixture(params=["memory", "postgresql"])
def api(request: pytest.FixtureRequest, engine: Engine) -> Iterator[httpx.Client]:
    """An API with limits per minute: 5 requests per caller, 3 wrong keys and 8 requests without key per address."""
    storage = MemoryCounts() if request.param == "memory" else PostgresStorage(engine)
    limits = Limits("5/minute", storage, wrong_keys="3/minute", without_key="8/minute")
    resources = Resources(engine, Champions(engine), KEY, Clock(), limits=limits, token_secret=TOKEN_SECRET)
    with serving(resources) as address, httpx.Client(base_url=address, timeout=20) as client:
        assert resources.guard_context.authenticator.wait_listening(5)
        yield client


def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not_kept_out(
    api: httpx.Client, engine: Engine
) -> None:
    for left in (4, 3, 2, 1, 0):
        answer = api.get(OPENAPI, headers=HEADERS)
        assert answer.status_code == 200
        assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("5", str(left))
    refused = api.get(OPENAPI, headers=HEADERS)
    problem(refused, 429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-remaining"] == "0"
    assert api.get(OPENAPI, headers=bearer(new_key(engine)[1])).status_code == 200


def test_a_key_and_its_tokens_are_counted_together(api: httpx.Client, engine: Engine) -> None:
    key, written = new_key(engine)
    form = {"grant_type": "client_credentials", "client_id": key.id, "client_secret": written}
    token = api.post(TOKEN_PATH, data=form).json()["access_token"]
    answers = [api.get(OPENAPI, headers=bearer(sent)).status_code for sent in (written, token) * 3]
    assert answers == [200] * 5 + [429]


def test_probes_are_never_refused(api: httpx.Client) -> None:
    assert {api.get("/api/health").status_code for _ in range(12)} == {200}


def test_a_valid_key_is_answered_while_others_guess_at_its_address_and_after_a_key_was_made(
    api: httpx.Client, engine: Engine
) -> None:
    _, in_use = new_key(engine)
    assert api.get(OPENAPI, headers=bearer(in_use)).status_code == 200
    guesses = [api.get(OPENAPI, headers=bearer(f"tqs_live_x_{n}")) for n in range(5)]
    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
    assert int(guesses[-1].headers["retry-after"]) >= 1
    _, made_now = new_key(engine)  # every process drops its cached keys
    for sent in (bearer(made_now), bearer(in_use), HEADERS):
        assert api.get(OPENAPI, headers=sent).status_code == 200
    while api.get(OPENAPI, headers=bearer(in_use)).status_code == 200:
        pass  # its own limit still applies


def test_a_client_gets_its_token_while_others_guess_secrets_at_its_address(engine: Engine, api: httpx.Client) -> None:
    key, written = new_key(engine)
    wrong = {"grant_type": "client_credentials", "client_id": key.id, "client_secret": "y"}
    assert [api.post(TOKEN_PATH, data=wrong).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert api.post(TOKEN_PATH, data=wrong | {"client_secret": written}).status_code == 200


def test_requests_without_a_key_are_refused_by_address_after_a_limit(api: httpx.Client) -> None:
    for path in (OPENAPI, "/metrics", "/made/up"):  # each of these counts
        problem(api.get(path), 401, "wrong_key")
    for _ in range(5):
        assert api.get("/made/up").status_code == 401
    problem(api.get("/made/up"), 429, "too_many_requests")
    assert api.get(OPENAPI, headers=HEADERS).status_code == 200
    assert api.get("/api/health").status_code == 200


def test_processes_that_count_together_let_no_more_through_than_one(engine: Engine) -> None:
    limit = parse("50/minute")
    engines = [make_engine(engine.url.render_as_string(hide_password=False)) for _ in range(4)]
    limiters = [FixedWindowRateLimiter(PostgresStorage(one)) for one in engines]
    with ThreadPoolExecutor(8) as pool:
        hits = list(pool.map(lambda n: limiters[n % 4].hit(limit, "rails"), range(120)))
    for one in engines:
        one.dispose()
    assert hits.count(True) == 50


@dataclass
class Held:
    """A storage, a way to let an hour pass, and the number of keys it stores."""

    storage: Storage
    wait: Callable[[], None]
    keys: Callable[[], int]


@pytest.fixture(params=["memory", "postgresql"])
def held(request: pytest.FixtureRequest, engine: Engine) -> Held:
    if request.param == "postgresql":
        return Held(PostgresStorage(engine), lambda: _let_time_pass(engine), lambda: _kept(engine))
    moments = [0.0]
    counts = MemoryCounts(lambda: moments[0])
    return Held(counts, lambda: moments.append(moments.pop() + 3600), lambda: len(counts))


def test_a_count_begins_anew_when_its_time_is_over(held: Held) -> None:
    storage = held.storage
    assert [storage.incr("a", 60), storage.incr("a", 60, amount=2)] == [1, 3]
    first_end = storage.get_expiry("a")
    held.wait()
    assert storage.get("a") == 0
    assert storage.incr("a", 60) == 1
    assert storage.get_expiry("a") >= first_end


def test_what_is_over_is_removed_now_and_then(held: Held) -> None:
    held.storage.incr("old", 60)
    held.wait()
    for _ in range(PRUNE_EVERY - 1):
        held.storage.incr("new", 60)
    assert (held.keys(), held.storage.get("new")) == (1, PRUNE_EVERY - 1)


def test_counts_can_be_forgotten(held: Held) -> None:
    storage = held.storage
    storage.incr("a", 60)
    storage.incr("b", 60)
    storage.clear("a")
    assert (storage.get("a"), storage.get("b")) == (0, 1)
    assert storage.reset() == 1
    assert storage.get("b") == 0
    assert storage.check()


def _kept(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM rate_limits")).scalar_one())


def _let_time_pass(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE rate_limits SET expires_at = now() - interval '1 second'"))


def test_a_database_that_is_away_is_said_so() -> None:
    storage = PostgresStorage(make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailable):
        storage.incr("a", 60)


def test_several_processes_may_not_count_each_for_themselves(engine: Engine, tmp_path: Path) -> None:
    several = {"TQS_API_WORKERS": "2", "TQS_DATA_DIR": str(tmp_path)}
    with pytest.raises(InvalidSettings, match="TQS_RATE_LIMIT_STORAGE"):
        limits_of(load_settings(several), engine)
    limits_of(load_settings({**several, "TQS_RATE_LIMIT_STORAGE": "postgresql"}), engine)
