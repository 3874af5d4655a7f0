"""Guard decisions made before any database query, and the OpenAPI document."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Message

from serving.app import create_app, route_table
from serving.guard.guard import BODY_LIMIT, Guard
from serving.openapi import document
from serving.resources import Resources
from serving.state.champions import Champions
from store.db.engine import make_engine
from tests.lib.api_parts import HEADERS, KEY, NOW, PROBLEM, problem, serving
from tests.lib.paths import ROOT


@pytest.fixture(scope="module")
def door() -> Iterator[httpx.Client]:
    """A client with the key, of an app without a database, for decisions that need none."""
    engine = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def test_a_body_that_is_not_json_is_a_422_problem(door: httpx.Client) -> None:
    answer = door.post("/api/predict/no_show", content=b"{nope", headers={"content-type": "application/json"})
    assert problem(answer, 422, "invalid_request")["errors"][0]["field"] == "body"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"authorization": KEY}]
)
@pytest.mark.parametrize("path", ["/api/tutors/ada/scores", "/api/openapi.json", "/nothing"])
def test_without_the_key_nothing_is_said(door: httpx.Client, headers: dict[str, str], path: str) -> None:
    answer = httpx.get(door.base_url.join(path), headers=headers)
    problem(answer, 401, "wrong_key")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_key_may_come_in_its_own_header_and_probes_need_none(door: httpx.Client) -> None:
    address = door.base_url
    assert httpx.get(address.join("/api/openapi.json"), headers={"X-API-Key": KEY}).status_code == 200
    assert httpx.get(address.join("/api/health")).json() == {"status": "ok"}
    assert httpx.get(address.join("/api/ready")).status_code == 503  # no key required, no database available


@pytest.mark.parametrize(
    "content_type", ["application/vnd.bentoml+pickle", "application/octet-stream", "text/plain", None]
)
def test_only_json_gets_in(door: httpx.Client, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    problem(door.post("/api/predict/no_show", content=b"\x80\x04N.", headers=headers), 415, "not_json")


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_refused_announced_or_not(door: httpx.Client, announced: bool) -> None:
    big = b" " * (BODY_LIMIT + 1)
    content = big if announced else iter([big])
    answer = door.post("/api/predict/no_show", content=content, headers={"content-type": "application/json"})
    problem(answer, 413, "body_too_large")


def test_a_body_that_never_ends_is_given_up() -> None:
    async def run() -> list[Message]:
        came = iter([{"type": "http.request", "body": b"{", "more_body": True}])
        sent: list[Message] = []

        async def receive() -> Message:
            return next(came, None) or await asyncio.Future()

        async def send(message: Message) -> None:
            sent.append(message)

        path = "/api/sessions"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"9")]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "headers": headers}
        engine = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
        resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
        app = create_app(lambda: resources)
        guard = Guard(app, lambda: resources, route_table(app), body_seconds=0.05)
        await asyncio.wait_for(guard({**scope, "query_string": b""}, receive, send), 5)
        resources.close()
        return sent

    start, body = asyncio.run(run())
    assert (start["status"], json.loads(body["body"])["code"]) == (408, "request_timeout")
    assert (b"connection", b"close") in start["headers"]


def test_wrong_paths_and_methods_are_problems_too(door: httpx.Client) -> None:
    problem(door.get("/nothing"), 404, "not_found")
    refused = door.put("/api/tutors/ada/scores")
    problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET"
    problem(door.get("/api/changes/ws"), 404, "not_found")


@pytest.mark.parametrize(("sent", "kept"), [("order-17", True), ("two words", False), ("x" * 65, False)])
def test_a_request_keeps_its_own_id_if_it_is_fit_for_a_log(door: httpx.Client, sent: str, kept: bool) -> None:
    assert (door.get("/api/health", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent) is kept


def test_the_written_api_description_is_the_present_one() -> None:
    written = (ROOT / "docs" / "openapi.json").read_text()
    assert written == document(), "regenerate it: python -m serving.openapi > docs/openapi.json"


def test_the_api_description_gives_every_error_as_a_problem() -> None:
    for path, operations in json.loads(document())["paths"].items():
        for operation in operations.values():
            errors = {s: r["content"] for s, r in operation["responses"].items() if int(s) >= 400}
            assert errors, path
            assert all(set(content) == {PROBLEM} for content in errors.values()), path
