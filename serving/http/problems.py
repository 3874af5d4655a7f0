"""Error responses as RFC 9457 problem documents."""

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.types import Scope

from domain.errors import NoModel, TooManyRequests, TutorQualityError
from serving.http.problem_codes import default_code
from serving.http.validation_messages import validation_message, without_key_mark

logger = logging.getLogger("tutor_quality.serving")

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tutor-quality:problem:"
UNKNOWN_PATH = "(no such route)"
"""Log text in place of an unknown path."""

_RETRY_AFTER_SECONDS = "10"


class FieldError(BaseModel):
    """One invalid field of the request."""

    model_config = ConfigDict(frozen=True)

    field: str
    detail: str


class Problem(BaseModel):
    """A problem document. `code` is for programs, `detail` for people; `errors` names fields."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


class InvalidFields(Exception):
    """A well-formed request with invalid values: one FieldError per field."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.detail}" for e in errors))
        self.errors = tuple(errors)


def request_id(scope: Scope) -> str:
    """The id that the guard assigned to this request; also in the log and in `X-Request-ID`."""
    identifier: str = scope.get("state", {}).get("request_id", "")
    return identifier


def respond(
    scope: Scope,
    status: int,
    detail: str,
    code: str | None = None,
    errors: Sequence[FieldError] = (),
    more: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document as a response, with `WWW-Authenticate` for 401 and `Retry-After` for 503.

    `more`: extension members required by another standard, as RFC 9457 allows.
    """
    code = code or default_code(status)
    problem = Problem(
        type=TYPE_PREFIX + code,
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id(scope),
        errors=tuple(errors),
    )
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": _RETRY_AFTER_SECONDS}}.get(status)
    return JSONResponse({**problem.model_dump(), **(more or {})}, status, headers, media_type=MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    """Make an app respond to every error with a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(InvalidFields, _invalid_fields)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(TutorQualityError, _domain_error)
    app.add_exception_handler(Exception, _unexpected)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return _unprocessable(request, [_field_error(e) for e in error.errors()])


async def _invalid_fields(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InvalidFields)
    return _unprocessable(request, error.errors)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    # The value itself is never repeated: it may be personal data.
    if error["type"] == "json_invalid":
        return FieldError(field="body", detail=f"is not JSON: {error['ctx']['error']} at character {error['loc'][-1]}")
    return FieldError(field=_path(without_key_mark(error["loc"])), detail=validation_message(error))


def _unprocessable(request: Request, errors: Sequence[FieldError]) -> JSONResponse:
    fields = ", ".join(dict.fromkeys(e.field for e in errors))
    return respond(request.scope, 422, f"invalid {fields}: see `errors`", errors=errors)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = respond(request.scope, error.status_code, _detail(error, request))
    response.headers.update(error.headers or {})
    return response


def _detail(error: HTTPException, request: Request) -> str:
    if error.status_code == 404:
        return f"no route at {request.url.path}"
    if error.status_code == 405:
        return f"{request.method} is not allowed at {request.url.path}"
    return str(error.detail)


async def _domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TutorQualityError)
    return problem_of(request.scope, error)


def problem_of(scope: Scope, error: TutorQualityError) -> JSONResponse:
    """The problem document of a domain error. Errors that the caller cannot fix are also logged."""
    status, code, *_ = error.problem
    if status >= 500 and not isinstance(error, NoModel):
        # One line without a traceback: during an outage, tracebacks would fill the log.
        message, method = " ".join(str(error).split()), scope.get("method", "WEBSOCKET")
        logger.error("%s %s: %s (request %s)", method, logged(scope), message, request_id(scope))
    response = respond(scope, status, str(error), code)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.wait_seconds)
    return response


async def _unexpected(request: Request, _: Exception) -> JSONResponse:
    return internal_error(request.scope)


def logged(scope: Scope) -> str:
    """The route of a request for the log: its path template, set by the guard. Paths contain ids and arbitrary text."""
    template: str = scope.get("state", {}).get("logged_path", UNKNOWN_PATH)
    return template


def internal_error(scope: Scope) -> JSONResponse:
    """The problem document of an unexpected error: only where to find it in the log."""
    return respond(scope, 500, "internal error; the log has the details under this request_id")


_UNION_TAGS = ("known", "described", "columns")
_UNION_MEMBERS = re.compile(r"float|.*\bconstrained-str\b.*")


def _path(location: Sequence[int | str]) -> str:
    """A field's path in the body: "attributes.price", or "body" for the whole."""
    # Pydantic puts the union member first or last in the location, which is meaningless to a caller.
    first = 2 if len(location) > 1 and location[1] in _UNION_TAGS else 1
    last = -1 if len(location) > first and _UNION_MEMBERS.fullmatch(str(location[-1])) else None
    return ".".join(map(str, location[first:last])) or str(location[0])
