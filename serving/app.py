"""The FastAPI app: all routes, guarded, every error a problem document."""

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
    400: "no version of the API that there is, or bytes that are no text",
    401: "no key or a wrong one, or no signature or a wrong one",
    403: "a key that may not do this",
    404: "no such tutor, student, session or path",
    408: "the body did not come within 30 seconds",
    409: "the session is no longer to come, or the event's id was taken before with another body",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "fields that cannot be used, each named in `errors`",
    429: "too many requests; `Retry-After` says in how many seconds to come again",
    500: "an error of ours",
    503: "the database does not answer, or there is no model that can be used",
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
_BASIC = {"type": "http", "scheme": "basic", "description": "a key's id and secret, to get a token with"}


class Api(FastAPI):
    """A FastAPI that describes its problems and its keys."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
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
    """The app. `resources` is called with every request, so that they may be opened after the app is made.

    The interactive docs are off, since they load scripts from a content network: the schema is at /api/openapi.json.
    """
    app = Api(
        title="Tutor Quality Scoring",
        version=VERSIONS[-1],
        description="Who needs help, why, and what to do. Every error is an RFC 9457 problem document.",
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
