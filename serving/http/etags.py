"""Conditional responses: a strong ETag over the body, and 304 if the caller already has it."""

from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel

_ETAG = {"ETag": {"description": "identifies these bytes; send it as `If-None-Match`", "schema": {"type": "string"}}}

DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {"headers": _ETAG},
    304: {"description": "unchanged since the response with that ETag; no body", "headers": _ETAG},
}
"""OpenAPI responses of a route with ETags."""

IfNoneMatch = Annotated[
    str | None, Header(description="the `ETag` of an earlier response: 304 while the body is unchanged")
]
"""The header as a route argument."""

PRIVATE = "private, no-cache"
"""The caller may store the response but must revalidate it each time; shared caches must not store it."""


def unless_known(if_none_match: str | None, body: BaseModel) -> Response:
    """The body as JSON with its ETag, or 304 if `If-None-Match` names that ETag."""
    content = body.model_dump_json().encode()
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": "Authorization, X-API-Key"}
    if _names(if_none_match or "", etag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


def _names(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the ETag; the comparison is the weak one of RFC 9110, section 13.1.2."""
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in named or etag in named
