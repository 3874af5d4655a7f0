"""Fast route classes, for routes called hundreds of times a second: the request is validated in one step.

FastAPI decodes the JSON, resolves dependencies, validates the request and validates the response again, which takes
longer than a prediction. The OpenAPI document describes these routes like all others, from their signatures.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from serving.resources import Resources

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """A route of the form `async def route(body, request, resources) -> Response`."""

    def get_route_handler(self) -> Handler:
        """The request handler. It raises RequestValidationError, as FastAPI's own handler does."""
        body = _adapter(self.body_field, self.path)
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            resources: Resources = request.app.state.resources()
            return await endpoint(_read(body, await request.body()), request, resources)

        return handle


class TutorRoute(APIRoute):
    """A route of the form `async def route(tutor_id, resources, if_none_match) -> Response`."""

    def get_route_handler(self) -> Handler:
        """The request handler. It raises RequestValidationError, as FastAPI's own handler does."""
        (place,) = self.dependant.path_params
        ids = _adapter(place, self.path)
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            resources: Resources = request.app.state.resources()
            try:
                tutor_id = ids.validate_python(request.path_params[place.name])
            except ValidationError as error:
                raise _invalid(error, "path", place.name) from None
            return await endpoint(tutor_id, resources, request.headers.get("if-none-match"))

        return handle


def _adapter(field: Any, path: str) -> TypeAdapter[Any]:
    """The validator of a parameter. Raises TypeError for a route without one."""
    if field is None or field.field_info.annotation is None:
        raise TypeError(f"{path} has no parameter to validate")
    return TypeAdapter(field.field_info.annotation)


def answer(body: BaseModel) -> Response:
    """A 200 response with this body, which was validated at construction."""
    return Response(body.__pydantic_serializer__.to_json(body), media_type="application/json")


def _read(adapter: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RequestValidationError([_not_json(body, str(first["ctx"]["error"]))]) from None
        raise _invalid(error, "body") from None


def _invalid(error: ValidationError, *place: str) -> RequestValidationError:
    """The errors in FastAPI's form, with their location in the request."""
    details = error.errors(include_url=False, include_input=False)
    return RequestValidationError([{**detail, "loc": (*place, *detail["loc"])} for detail in details])


def _not_json(body: bytes, why: str) -> dict[str, Any]:
    """FastAPI's error for a body that is not JSON, with the position in characters."""
    place = 0
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        why, place = error.msg, error.pos
    except UnicodeDecodeError as error:
        why, place = "not UTF-8", error.start
    except (RecursionError, ValueError):
        pass  # nested too deeply, or a number with too many digits: no position to report
    return {"type": "json_invalid", "loc": ("body", place), "msg": "JSON decode error", "ctx": {"error": why}}
