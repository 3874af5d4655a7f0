"""Every route in the OpenAPI document × every kind of caller × own or other tutor, over real HTTP."""

import json
from collections.abc import Iterable, Iterator, Mapping

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute

from domain.policy import Permission, Principal, Role, can
from serving.app import create_app, route_table
from serving.guard.permissions import FRAMEWORK_ROUTES, WEBSOCKET, AnyCaller, Open, RouteTable, Rule, Signed
from serving.openapi import declared_access, document
from serving.resources import Resources
from store.db.engine import Engine
from store.facts.load import load
from tests.lib.access_parts import bearer, callers, new_key, resources_of
from tests.lib.api_parts import marketplace, problem, serving

OPERATIONS = [
    (method.upper(), path)
    for path, operations in json.loads(document())["paths"].items()
    for method in operations
    if method != "parameters"
]
DECLARED = declared_access()
UNKNOWN = ("anonymous", "expired", "revoked")
BENTOML = {"/livez", "/healthz", "/readyz", "/metrics", "/schema.json"}
STREAM_SECONDS = 5.0


@pytest.fixture
def api(engine: Engine) -> Iterator[tuple[httpx.Client, Mapping[str, str | None]]]:
    load(engine, marketplace())
    with serving(resources_of(engine)) as address, httpx.Client(base_url=address, timeout=STREAM_SECONDS) as client:
        yield client, callers(engine)


def _expected(rule: Rule, caller: str, tutor_id: str | None) -> str:
    """Decision of the policy for a caller: "in", "unknown" (401) or "forbidden" (403)."""
    if isinstance(rule, Open | Signed):
        return "in"
    if caller in UNKNOWN:
        return "unknown"
    principal = Principal("x", Role(caller), None, "ada" if caller == Role.TUTOR else None)
    return "in" if isinstance(rule, AnyCaller) or can(principal, rule, tutor_id) else "forbidden"


def _answered(client: httpx.Client, method: str, path: str, sent: dict[str, str]) -> str:
    body = b"" if method in ("GET", "DELETE") else b"{}"
    kind = {"content-type": "application/json"} if body else {}
    # Only the head is read, because a stream of live updates has no end.
    with client.stream(method, path, content=body, headers={**sent, **kind}) as response:
        if response.status_code not in (401, 403):
            return "in"
        code = json.loads(response.read())["code"]
    # A signed route verifies the signature itself, after the guard.
    return {"wrong_key": "unknown", "forbidden": "forbidden", "unclassified": "forbidden"}.get(code, "in")


def _addresses(path: str) -> list[tuple[str, str | None]]:
    """The path for the caller's own tutor and for another, each with the tutor in it."""
    if "{tutor_id}" not in path:
        return [(_filled(path), None)]
    return [(_filled(path.replace("{tutor_id}", tutor)), tutor) for tutor in ("ada", "ben")]


def _filled(path: str) -> str:
    while "{" in path:
        path = path[: path.index("{")] + "1" + path[path.index("}") + 1 :]
    return path


def test_every_route_answers_every_caller_as_the_policy_says(
    api: tuple[httpx.Client, Mapping[str, str | None]],
) -> None:
    client, sent = api
    wrong, tried = [], 0
    for method, path in OPERATIONS:
        for address, tutor in _addresses(path):
            for caller, key in sent.items():
                tried += 1
                expected = _expected(DECLARED[method, path].rule, caller, tutor)
                found = _answered(client, method, address, bearer(key))
                if found != expected:
                    wrong.append((method, address, caller, found, expected))
    print(f"{tried} cases of {len(OPERATIONS)} routes")
    assert not wrong
    assert tried >= 7 * len(OPERATIONS) > 70


def _flat(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Routes, with included routers expanded."""
    for route in routes:
        included: APIRouter | None = getattr(route, "original_router", None)
        yield from [route] if included is None else _flat(included.routes)


def _routes(app: FastAPI) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in _flat(app.routes):
        assert isinstance(route, Route | WebSocketRoute), f"unknown type of route: {route}"
        methods = {WEBSOCKET} if isinstance(route, WebSocketRoute) else route.methods or set()
        found |= {(method, route.path) for method in methods if method != "HEAD"}
    return found


def test_every_route_is_classified_and_every_classified_route_exists() -> None:
    app = create_app(_nothing)
    assert _routes(app) == {key for key in route_table(app).entries if key[1] not in BENTOML}
    assert {path for _, path in FRAMEWORK_ROUTES} == {*BENTOML, "/api/openapi.json"}


def test_an_app_with_a_route_that_declares_no_access_cannot_be_made() -> None:
    for add in (_add_plain_route, _add_websocket, _mount):
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        assert RouteTable(app).entries == FRAMEWORK_ROUTES
        add(app)
        with pytest.raises(TypeError, match=r"forgotten"):
            RouteTable(app)


def _add_plain_route(app: FastAPI) -> None:
    router = APIRouter(prefix="/api")
    router.add_api_route("/forgotten", lambda: None, methods=["GET"])
    app.include_router(router)


def _add_websocket(app: FastAPI) -> None:
    app.add_api_websocket_route("/forgotten", lambda socket: None)


def _mount(app: FastAPI) -> None:
    app.mount("/forgotten", FastAPI())


def test_the_guard_finds_the_template_that_the_router_finds() -> None:
    app = create_app(_nothing)
    for method, path in _routes(app):
        address, kind = _filled(path), "websocket" if method == WEBSOCKET else "http"
        scope = {"type": kind, "method": method, "path": address, "root_path": "", "headers": []}
        routed = next(route for route in _flat(app.routes) if route.matches(scope)[0] is Match.FULL)
        assert isinstance(routed, Route | WebSocketRoute)
        assert route_table(app).match(method, address).template == routed.path


def test_a_route_that_is_not_classified_answers_nobody(engine: Engine) -> None:
    def forgotten(app: FastAPI) -> None:
        router = APIRouter(prefix="/api")
        router.add_api_route("/forgotten/{tutor_id}", lambda: {"secret": 1}, methods=["GET"])
        app.include_router(router)

    with serving(resources_of(engine), forgotten) as address:
        for caller, key in callers(engine).items():
            answer = httpx.get(f"{address}/api/forgotten/ada", headers=bearer(key))
            if caller in UNKNOWN:
                problem(answer, 401, "wrong_key")
            else:
                problem(answer, 403, "unclassified")


@pytest.mark.parametrize(
    "path",
    [
        "/api/tutors/ada/scores/",
        "/api//tutors/ada/scores",
        "/api/tutors/ada%2Fscores/x",
        "/API/tutors/ada/scores",
        "/api/tutors/ben/%2e%2e/ada/scores",
        "/api/keys",
    ],
)
def test_a_path_written_otherwise_leads_nowhere(api: tuple[httpx.Client, Mapping[str, str | None]], path: str) -> None:
    client, sent = api
    raw = httpx.URL(str(client.base_url)).copy_with(raw_path=path.encode())
    assert client.get(raw, headers=bearer(sent["tutor"])).status_code in (403, 404)
    assert client.get(raw, headers=bearer(sent["admin"])).status_code == 404


def test_a_tutor_sees_nobody_but_themself_even_under_an_id_that_looks_alike(
    api: tuple[httpx.Client, Mapping[str, str | None]],
) -> None:
    client, sent = api
    for other in ("ben", "ADA", "ada%20", "%61da2", "ada%00"):
        problem(client.get(f"/api/tutors/{other}/scores", headers=bearer(sent["tutor"])), 403, "forbidden")
    assert client.get("/api/tutors/%61da/scores", headers=bearer(sent["tutor"])).status_code == 200


def test_scopes_narrow_what_the_role_may(engine: Engine) -> None:
    load(engine, marketplace())
    _, narrow = new_key(engine, Role.READ, scopes=frozenset({Permission.PREDICTIONS_MAKE}))
    with serving(resources_of(engine)) as address:
        said = problem(httpx.get(f"{address}/api/tutors/ada/scores", headers=bearer(narrow)), 403, "forbidden")
        assert "scores:read" in said["detail"]
        allowed = httpx.post(f"{address}/api/predict/no_show", json={}, headers=bearer(narrow))
        problem(allowed, 422, "invalid_request")


def _nothing() -> Resources:
    raise RuntimeError("no request is made")
