"""The FastAPI app: all routes, guarded, every error a problem document."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI

from serving import predict, probes, scores
from serving.guard import OPEN_PATHS, Guard
from serving.problems import MEDIA_TYPE, Problem, handle_problems
from serving.resources import Resources

_MEANINGS = {
    401: "no key or a wrong one",
    404: "no such tutor, student, session or path",
    409: "the session is no longer to come",
    413: "the body is too large",
    415: "the body is not JSON",
    422: "fields that cannot be used, each named in `errors`",
    500: "an error of ours",
    503: "the database does not answer, or there is no model that can be used",
}
_STATUSES: Mapping[str, tuple[int, ...]] = {
    "scores": (401, 404, 422, 500, 503),
    "predictions": (401, 404, 409, 413, 415, 422, 500, 503),
    "probes": (500, 503),
}
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


class Api(FastAPI):
    """A FastAPI that describes its problems and its keys."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            schema = super().openapi()
            schema["components"]["securitySchemes"] = _KEYS
            schema["security"] = [{name: []} for name in _KEYS]
            for path, operations in schema["paths"].items():
                for operation in operations.values():
                    _describe(operation, is_open=path in OPEN_PATHS)
        return self.openapi_schema or {}


def create_app(resources: Callable[[], Resources]) -> FastAPI:
    """The app. `resources` is called with every request, so that they may be opened after the app is made.

    The interactive docs are off, since they load scripts from a content network: the schema is at /api/openapi.json.
    """
    app = Api(
        title="Tutor Quality Scoring",
        version="1",
        description="Who needs help, why, and what to do. Every error is an RFC 9457 problem document.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.resources = resources
    for router in (scores.router, predict.router, probes.router):
        app.include_router(router, responses=_problems(router))
    handle_problems(app)
    app.add_middleware(Guard, key=lambda: resources().api_key)
    return app


def _problems(router: APIRouter) -> dict[int | str, dict[str, Any]]:
    (tag,) = router.tags
    return {status: {"model": Problem, "description": _MEANINGS[status]} for status in _STATUSES[str(tag)]}


def _describe(operation: dict[str, Any], is_open: bool) -> None:
    if is_open:
        operation["security"] = []
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
