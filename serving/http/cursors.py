"""Opaque cursors: where the next page of a list begins, bound to the question it belongs to."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import BaseModel

from serving.http.problems import FieldError, InvalidFields

_DIGEST = 16

MOST = 4000
"""Characters of a cursor: the longest name and the longest id there can be, four bytes a character, in base64."""

Place = TypeVar("Place", bound=BaseModel)


def make_cursor(question: Mapping[str, Any], place: Mapping[str, Any]) -> str:
    """A cursor that holds a place in the list that answers a question.

    It is no secret and gives nobody more than the question does: the digest tells typing errors and a cursor of
    another list from a good one.
    """
    held = json.dumps(place, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    return urlsafe_b64encode(_digest(question, held) + held).decode().rstrip("=")


def read_cursor(question: Mapping[str, Any], cursor: str, holds: type[Place]) -> Place:
    """The place a cursor holds. Raises InvalidFields for one that is altered or belongs to another question."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        held = raw[_DIGEST:]
        # Decoding forgives what it should not, so the text must also be the one that would have been made.
        if raw[:_DIGEST] != _digest(question, held) or urlsafe_b64encode(raw).decode().rstrip("=") != cursor:
            raise ValueError("altered")
        return holds.model_validate_json(held)
    except ValueError:
        detail = "is no cursor of this list: send `next_cursor` as it came, with the same filters and sort"
        raise InvalidFields([FieldError(field="cursor", detail=detail)]) from None


def _digest(question: Mapping[str, Any], held: bytes) -> bytes:
    asked = json.dumps(question, separators=(",", ":"), sort_keys=True, default=str).encode()
    return sha256(asked + b"\n" + held).digest()[:_DIGEST]
