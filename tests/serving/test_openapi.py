"""Completeness of the OpenAPI document: inputs, responses and errors of every route, with valid examples."""

import ast
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from domain.errors import TutorQualityError
from serving.http.problem_codes import CODES, default_code
from serving.openapi import document as described
from tests.lib.paths import ROOT

SERVING = ROOT / "serving"
DEFAULTED = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503)
"""Statuses for which a response without a code gets a default one."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described())
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield f"{method} {path}", operation


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"body {kind}", content
    for status, response in operation["responses"].items():
        for kind, content in response.get("content", {}).items():
            yield f"{status} {kind}", content


def examples_of(content: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    found = [content["example"]] if "example" in content else []
    found += [named["value"] for named in content.get("examples", {}).values()]
    schema = content["schema"]
    for piece in schema.get("$ref", "#").removeprefix("#").strip("/").split("/") if "$ref" in schema else ():
        document = document[piece]
    described = document if "$ref" in schema else schema
    return [*found, *described.get("examples", []), *([described["example"]] if "example" in described else [])]


def test_every_route_has_a_sentence_a_tag_its_refusals_and_who_may(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
        assert any(status.startswith("2") for status in operation["responses"]), name
        assert "500" in operation["responses"], name
        problems = {kind for status, response in operation["responses"].items() if int(status) >= 400
                    for kind in response["content"]}  # fmt: skip
        assert problems == {"application/problem+json"}, name
        is_open = operation.get("security") == []
        assert is_open or {"401", "403", "429"} <= operation["responses"].keys(), name
        assert all(parameter.get("schema") for parameter in operation.get("parameters", ())), name


def test_every_body_and_answer_has_an_example_that_its_schema_allows(document: dict[str, Any]) -> None:
    checked = 0
    for name, operation in operations(document):
        for where, content in contents(operation):
            if "event-stream" in where or content["schema"] == {}:  # a stream, or an empty body
                continue
            found = examples_of(content, document)
            assert found, f"{name}: {where} has no example"
            for example in found:
                jsonschema.validate(example, content["schema"] | {"components": document["components"]})
                checked += 1
    assert checked > 50


def test_every_code_a_problem_can_have_is_explained_and_none_that_it_cannot() -> None:
    calls, words = set(), set()
    for file in SERVING.rglob("*.py"):
        if file.name != "problem_codes.py":
            for node in ast.walk(ast.parse(file.read_text())):
                calls |= set(_code_given(node)) if isinstance(node, ast.Call) else set()
                words |= {str(node.value)} if isinstance(node, ast.Constant) else set()
    errors = set(every_error())
    declared = {error.problem.code for error in errors}
    defaults = {default_code(status) for status in DEFAULTED}
    assert calls | declared | defaults <= CODES.keys()
    assert CODES.keys() <= words | declared | defaults
    assert {CODES[error.problem.code] for error in errors} == {error.problem for error in errors}


def test_the_default_code_of_a_status_has_that_status() -> None:
    assert [default_code(status) for status in DEFAULTED] == [
        "bad_request", "wrong_key", "forbidden", "not_found", "method_not_allowed", "request_timeout", "not_upcoming",
        "body_too_large", "not_json", "invalid_request", "too_many_requests", "internal_error", "unavailable",
    ]  # fmt: skip
    assert all(CODES[default_code(status)].status == status for status in DEFAULTED)


def every_error(error: type[TutorQualityError] = TutorQualityError) -> Iterator[type[TutorQualityError]]:
    yield error
    for kind in error.__subclasses__():
        yield from every_error(kind)


def _code_given(call: ast.Call) -> Iterator[str]:
    """The literal code in a call of `respond` or of the OAuth error."""
    place = {"respond": 3, "_Refused": 0}.get(getattr(call.func, "id", ""))
    if place is None:
        return
    given = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "code")]
    yield from (str(one.value) for one in given if isinstance(one, ast.Constant))
