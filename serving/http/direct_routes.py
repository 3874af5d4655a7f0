"""Routes whose question is read in one step: for those asked hundreds of times a second.

FastAPI decodes the JSON, resolves dependencies, validates, and validates the answer once more; of a prediction that is
the larger part. These routes stand in the OpenAPI as all others do, from the signature of their function.
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
        """What answers a request. Raises RequestValidationError as FastAPI's own handler does."""
        question = _adapter(self.body_field, self.path)
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            resources: Resources = request.app.state.resources()
            return await endpoint(_read(question, await request.body()), request, resources)

        return handle


class TutorRoute(APIRoute):
    """A route of the form `async def route(tutor_id, resources, if_none_match) -> Response`."""

    def get_route_handler(self) -> Handler:
        """What answers a request. Raises RequestValidationError as FastAPI's own handler does."""
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
    """What reads a parameter. Raises TypeError for a route without it."""
    if field is None or field.field_info.annotation is None:
        raise TypeError(f"{path} takes nothing that could be read")
    return TypeAdapter(field.field_info.annotation)


def answer(body: BaseModel) -> Response:
    """A 200 with this body, which was validated when it was made."""
    return Response(body.__pydantic_serializer__.to_json(body), media_type="application/json")


def _read(question: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return question.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RequestValidationError([_not_json(body, str(first["ctx"]["error"]))]) from None
        raise _invalid(error, "body") from None


def _invalid(error: ValidationError, *place: str) -> RequestValidationError:
    """The errors as FastAPI gives them, with the place in the request where they are."""
    found = error.errors(include_url=False, include_input=False)
    return RequestValidationError([{**each, "loc": (*place, *each["loc"])} for each in found])


def _not_json(body: bytes, why: str) -> dict[str, Any]:
    """FastAPI's own error of a body that is no JSON, which gives the place in characters."""
    place = 0
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        why, place = error.msg, error.pos
    except UnicodeDecodeError as error:
        why, place = "not UTF-8", error.start
    except (RecursionError, ValueError):
        pass  # nested too deep or a number of too many digits: there is no place to name
    return {"type": "json_invalid", "loc": ("body", place), "msg": "JSON decode error", "ctx": {"error": why}}
