"""Opaque pagination cursors, each bound to the filters and sort of its list."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import BaseModel

from serving.http.problems import FieldError, InvalidFields

_DIGEST = 16

MOST = 4000
"""Most characters of a cursor: the longest possible name and id at four bytes per character, in base64."""

Place = TypeVar("Place", bound=BaseModel)


def make_cursor(filters: Mapping[str, Any], place: Mapping[str, Any]) -> str:
    """A cursor for a place in the list selected by `filters`.

    It is not secret and grants no access: the digest detects altered cursors and those of another list.
    """
    content = json.dumps(place, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return urlsafe_b64encode(_digest(filters, content) + content).decode().rstrip("=")


def read_cursor(filters: Mapping[str, Any], cursor: str, model: type[Place]) -> Place:
    """The place in a cursor. Raises InvalidFields for an altered cursor or one of another list."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        content = raw[_DIGEST:]
        # Base64 decoding is lenient, so the text must also equal its canonical encoding.
        if raw[:_DIGEST] != _digest(filters, content) or urlsafe_b64encode(raw).decode().rstrip("=") != cursor:
            raise ValueError("altered")
        return model.model_validate_json(content)
    except ValueError:
        detail = "is not a cursor of this list: send `next_cursor` unchanged, with the same filters and sort"
        raise InvalidFields([FieldError(field="cursor", detail=detail)]) from None


def _digest(filters: Mapping[str, Any], content: bytes) -> bytes:
    selection = json.dumps(filters, separators=(",", ":"), sort_keys=True, default=str).encode()
    return sha256(selection + b"\n" + content).digest()[:_DIGEST]
