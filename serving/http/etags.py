"""Answers that need not be sent again: a strong ETag over the very bytes, and 304 where the caller has them."""

from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel

_ETAG = {"ETag": {"description": "of these very bytes; send it as `If-None-Match`", "schema": {"type": "string"}}}

DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {"headers": _ETAG},
    304: {"description": "nothing has changed since the answer of that ETag; there is no body", "headers": _ETAG},
}
"""For the description of a route that answers so."""

IfNoneMatch = Annotated[str | None, Header(description="the `ETag` of an answer: 304 while it still holds")]
"""The header, as a route's argument."""

PRIVATE = "private, no-cache"
"""A caller may keep the answer, but asks each time whether it still holds; nobody in between keeps it."""


def unless_known(if_none_match: str | None, body: BaseModel) -> Response:
    """The body as JSON with its ETag, or 304 where the header `If-None-Match` names that ETag."""
    content = body.model_dump_json().encode()
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": PRIVATE, "Vary": "Authorization, X-API-Key"}
    if _knows(if_none_match or "", etag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


def _knows(sent: str, etag: str) -> bool:
    """Whether `If-None-Match` names the ETag; the comparison is the weak one of RFC 9110, section 13.1.2."""
    named = {part.strip().removeprefix("W/") for part in sent.split(",")}
    return "*" in named or etag in named
