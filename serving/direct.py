"""Routes whose body is read in one step, from its bytes to the question: for those asked a thousand times a second.

FastAPI decodes the JSON, resolves dependencies, validates, and validates the answer once more; of a prediction that is
the larger part. These routes stand in the OpenAPI as all others do, from the signature of their function, which takes
the body, the request and the resources, and gives a response.
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
        if self.body_field is None or self.body_field.field_info.annotation is None:
            raise TypeError(f"{self.path} takes no body")
        question: TypeAdapter[Any] = TypeAdapter(self.body_field.field_info.annotation)
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            resources: Resources = request.app.state.resources()
            return await endpoint(_read(question, await request.body()), request, resources)

        return handle


def answer(body: BaseModel) -> Response:
    """A 200 with this body, which was validated when it was made."""
    return Response(body.__pydantic_serializer__.to_json(body), media_type="application/json")


def _read(question: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return question.validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise RequestValidationError([_not_json(body, str(found[0]["ctx"]["error"]))]) from None
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in found]) from None


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
