"""FastAPI app: all routes behind the guard, with every error as a problem document."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from serving.bodies.examples import add_examples
from serving.guard.guard import Guard
from serving.guard.permissions import Open, RouteTable
from serving.http.api_versions import VERSIONS, Versioned
from serving.http.problems import MEDIA_TYPE, Problem, handle_problems
from serving.resources import Resources
from serving.routes import (
    events,
    live,
    oauth,
    predict,
    predict_churn,
    probes,
    quality,
    recommendations,
    reconcile,
    scores,
    tutors,
    upcoming,
)
from serving.routes.admin import inbox as admin_inbox
from serving.routes.admin import keys as admin_keys
from serving.routes.admin import webhooks as admin_webhooks

_MEANINGS = {
    400: "unknown API version, or a body that cannot be decoded",
    401: "missing or wrong key, or missing or wrong signature",
    403: "the key lacks the permission",
    404: "unknown tutor, student, session or path",
    408: "the body did not arrive within 30 seconds",
    409: "the session is not upcoming, the tutor is not active, or the event's id was used with a different body",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "invalid fields, each named in `errors`",
    429: "too many requests; retry after `Retry-After` seconds",
    500: "an error in the service",
    503: "the database does not respond, or no usable model exists",
}
_STATUSES: Mapping[str, tuple[int, ...]] = {
    "scores": (400, 401, 403, 404, 422, 429, 500, 503),
    "predictions": (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503),
    "events": (400, 401, 403, 408, 409, 413, 415, 422, 429, 500, 503),
    "quality": (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503),
    "keys": (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503),
    "changes": (400, 401, 403, 422, 429, 500, 503),
    "webhooks": (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503),
    "inbox": (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503),
    "probes": (400, 500, 503),
}
_KEYS: Mapping[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Standard Webhooks, with the headers webhook-id and webhook-timestamp",
}
_BASIC = {"type": "http", "scheme": "basic", "description": "a key's id and secret, to request a token"}


class Api(FastAPI):
    """A FastAPI app whose OpenAPI document includes problems, authentication and examples."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, generated once."""
        if self.openapi_schema is None:
            schema = super().openapi()
            schema["components"]["securitySchemes"] = {**_KEYS, "basic": _BASIC, "signature": _SIGNATURE}
            schema["components"]["schemas"] |= events.schemas()
            schema["security"] = [{name: []} for name in _KEYS]
            declared = route_table(self).entries
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _describe(operation, is_open=isinstance(declared[method.upper(), path].rule, Open))
            add_examples(schema["paths"], declared)
        return self.openapi_schema or {}


def create_app(resources: Callable[[], Resources]) -> FastAPI:
    """Create the app. `resources` is called with every request, so that they can be opened later.

    Interactive docs are disabled, since they load scripts from a CDN; the schema is at /api/openapi.json.
    """
    app = Api(
        title="Tutor Quality Scoring",
        version=VERSIONS[-1],
        description="Tutor scores with reasons and recommended actions. Every error is an RFC 9457 problem document.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_open,
    )
    app.state.resources = resources
    for routes in (
        tutors,
        scores,
        recommendations,
        upcoming,
        quality,
        predict,
        predict_churn,
        probes,
        admin_keys,
        admin_inbox,
        admin_webhooks,
        live,
        events,
        reconcile,
        oauth,
    ):
        app.include_router(routes.router, responses=_problems(routes.router))
    handle_problems(app)
    app.add_middleware(Versioned)
    app.state.route_table = RouteTable(app)
    app.add_middleware(Guard, resources=resources, routes=app.state.route_table)
    return app


def route_table(app: FastAPI) -> RouteTable:
    """The declared access of the app's routes."""
    table: RouteTable = app.state.route_table
    return table


@asynccontextmanager
async def _open(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.resources().close()


def _problems(router: APIRouter) -> dict[int | str, dict[str, Any]]:
    (tag,) = router.tags
    return {status: {"model": Problem, "description": _MEANINGS[status]} for status in _STATUSES[str(tag)]}


def _describe(operation: dict[str, Any], is_open: bool) -> None:
    if is_open:
        operation["security"] = []
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
