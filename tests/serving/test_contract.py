"""The OpenAPI document as a contract: responses to Schemathesis conform to it, without server errors.

Each route receives valid and invalid requests; then routes are called in sequences, with ids from earlier responses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import requests
import schemathesis
import xgboost as xgb
from hypothesis import HealthCheck, Phase, given, seed, settings
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from domain.vocabulary import Task
from features.history.history import History
from gateways.embedded_postgres.databases import create_database
from gateways.rails.signatures import HEADERS as SIGNATURE_HEADERS
from gateways.rails.signatures import Signatures
from jobs.scoring import all_scores
from models.artifact.champion import Champion
from models.artifact.model import seal
from quality.reasons import with_reason_codes
from serving.guard.memory_counts import MemoryCounts
from serving.guard.permissions import WEBSOCKET, Signed
from serving.guard.rate_limits import Limits
from serving.openapi import declared_access
from serving.resources import Resources
from serving.state.champions import Champions
from store.db.engine import Engine, make_engine, upgrade
from store.facts.history import read_dataset
from store.facts.load import load
from store.ledger.models import record_model
from store.scores.records import save_scores
from tests.lib.access_parts import TOKEN_SECRET
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, register, serving, small_model

SECRET = "whsec_" + "D" * 32
NOT_OURS = {"/api/openapi.json", "/livez", "/healthz", "/readyz", "/metrics", "/schema.json"}
"""Path of the document itself, and BentoML's probes, which the document omits."""

DECLARED = declared_access()
OPERATIONS = sorted((m, path) for m, path in DECLARED if m != WEBSOCKET and path not in NOT_OURS)
SIGNED = {path for (_, path), access in DECLARED.items() if isinstance(access.rule, Signed)}
SETTINGS = settings(deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
QUICK, LONG = 12, 400
"""Valid requests per route; the number of invalid ones is the same."""

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.allow_header_conformance,
]
FIXED: dict[str, dict[str, Any]] = {"tutor_id": {"tutor_id": "ada"}}
UNSPOILT = HEADERS | {"X-API-Key": KEY} | dict.fromkeys(SIGNATURE_HEADERS, "1")
"""Headers that are valid, or made so by `Signer`, even in otherwise invalid requests."""


@dataclass(frozen=True)
class Served:
    """The schema from the running service, its address, and a persistent connection."""

    schema: schemathesis.BaseSchema
    address: str
    session: requests.Session


class Signer(AuthBase):
    """Authentication that signs requests to signed routes and sends the key to all others."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers; a signature covers the body as sent."""
        if request.path_url.partition("?")[0] not in SIGNED:
            request.headers.update(HEADERS)
        else:
            body = request.body or b""
            text = body if isinstance(body, str) else body.decode(errors="replace")
            message_id = request.headers.get("webhook-id", "evt-1")
            name = message_id if isinstance(message_id, str) else message_id.decode("latin-1")
            request.headers.update(Signatures((SECRET,)).sign(name or "evt-1", text, NOW))
        return request


@pytest.fixture(scope="module")
def served(server_url: str) -> Iterator[Served]:
    """Serve a marketplace with scores and both champions."""
    engine = make_engine(create_database(server_url, "contract"))
    upgrade(engine)
    load(engine, marketplace())
    register(engine, small_model())
    _register_churn(engine)
    _score(engine)
    limits = Limits("900000/minute", MemoryCounts(), wrong_keys="900000/minute")
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW, limits, TOKEN_SECRET, Signatures((SECRET,)))
    with serving(resources) as address, requests.Session() as session:
        schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json", headers=HEADERS)
        yield Served(schema, address, session)
    engine.dispose()


def _register_churn(engine: Engine) -> None:
    days = np.linspace(0, 40, 200, dtype=np.float32)
    matrix = xgb.DMatrix(np.column_stack([days, np.tile([0.0, 1.0], 100)]).astype(np.float32), days > 20)
    sidecar = small_model().sidecar.model_dump(exclude={"model_sha256"}) | {
        "task": Task.CHURN,
        "features": ("days_since_last_session",),
        "typical": (5.0,),
        "periods": (0, 7, 30),
        "horizon": 30,
    }
    model = seal(xgb.train({"objective": "binary:logistic"}, matrix, num_boost_round=4), **sidecar)
    record_model(engine, "churn", "3", model.ubj, model.sidecar.model_dump(mode="json"), "test", "first", NOW)


def _score(engine: Engine) -> None:
    history = History(with_reason_codes(read_dataset(engine)))
    champions = {Task.NO_SHOW: Champion(small_model(), "7"), Task.CHURN: None}
    save_scores(engine, all_scores(history, champions, NOW))


def test_every_route_is_in_the_document(served: Served) -> None:
    found = {(m.upper(), path) for path, ops in served.schema.raw_schema["paths"].items() for m in ops}
    assert sorted(found) == OPERATIONS


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("mode", GenerationMode)
def test_a_route_answers_as_the_document_says(served: Served, method: str, path: str, mode: GenerationMode) -> None:
    _ask(served, method, path, mode, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("mode", GenerationMode)
def test_it_does_so_however_often(served: Served, method: str, path: str, mode: GenerationMode) -> None:
    _ask(served, method, path, mode, LONG)


def _ask(served: Served, method: str, path: str, mode: GenerationMode, times: int) -> None:
    """Send `times` generated requests to one route; fails with the request whose response violates the document."""
    operation = served.schema[path][method]
    if mode is GenerationMode.NEGATIVE and not _takes(operation.definition.raw):
        return
    fixed = next((values for name, values in FIXED.items() if f"{{{name}}}" in path), None)
    cases = operation.as_strategy(generation_mode=mode, headers=UNSPOILT if mode is GenerationMode.NEGATIVE else None)
    if fixed and mode is GenerationMode.POSITIVE:
        cases = cases | operation.as_strategy(generation_mode=mode, path_parameters=fixed)
    requested = 0

    @seed(4)
    @settings(
        max_examples=times, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=HealthCheck
    )
    @given(case=cases)
    def ask(case: schemathesis.Case) -> None:
        nonlocal requested
        requested += 1
        _check(served, case, is_stream=path.endswith("/stream"))

    ask()
    print(f"{method} {path}: {requested} requests, {mode.value}")
    assert requested


def _takes(operation: Mapping[str, Any]) -> bool:
    """True if the operation has inputs that can be invalid."""
    sent = [parameter for parameter in operation.get("parameters", []) if parameter["in"] in ("path", "query")]
    return bool(sent) or "requestBody" in operation


def _check(served: Served, case: schemathesis.Case, is_stream: bool) -> None:
    if not is_stream:
        _validate(case, case.call(base_url=served.address, session=served.session, auth=Signer()))
        return
    # A stream has no end: only its head is checked, or the problem document.
    request = case.as_transport_kwargs(base_url=served.address)
    with requests.request(**request | {"stream": True, "timeout": 10, "auth": Signer()}) as answer:
        if answer.status_code != 200:
            _validate(case, Response.from_requests(answer, verify=True))
        else:
            assert answer.headers["content-type"].startswith("text/event-stream")


def _validate(case: schemathesis.Case, response: Response) -> None:
    # Schemathesis does not accept 413 as a rejection of invalid input.
    passed_over = response.status_code == 413 or _only_headers_were_wrong(case)
    excluded = [checks.negative_data_rejection] if passed_over else []
    case.validate_response(response, checks=CHECKS, excluded_checks=excluded)


def _only_headers_were_wrong(case: schemathesis.Case) -> bool:
    """True if only headers were invalid, such as a missing signature, which `Signer` replaces by valid ones."""
    wrong = {place for place, made in case.meta.components.items() if made.mode is GenerationMode.NEGATIVE}
    return wrong == {ParameterLocation.HEADER}


@pytest.mark.parametrize(("times", "steps"), [(5, 8), pytest.param(150, 20, marks=pytest.mark.slow)])
def test_routes_one_after_the_other_answer_as_the_document_says(served: Served, times: int, steps: int) -> None:
    requested = 0

    class Walk(served.schema.exclude(path_regex="/stream$").as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"base_url": served.address, "auth": Signer()}

        def validate_response(self, response: Response, case: schemathesis.Case, **_: Any) -> None:
            nonlocal requested
            requested += 1
            _validate(case, response)

    Walk.run(settings=settings(SETTINGS, max_examples=times, stateful_step_count=steps, derandomize=True))
    print(f"{requested} requests one after the other")
    assert requested >= times
