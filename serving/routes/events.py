"""Webhook of the Rails app: events are verified and stored in the inbox, and processed later."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal

import pydantic_core
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from domain.events.events import AHEAD, Event, ahead
from domain.events.examples import TYPES, example
from domain.events.rules import BrokenRule, broken_rules, wrong_attributes
from domain.vocabulary import AttributeType
from serving.guard.permissions import Signed, access
from serving.http.problems import FieldError, InvalidFields
from serving.http.validation_messages import validation_message
from serving.resources import AppResources, Resources
from store.inbox.accept import WEBHOOK, Arrival, accept_all, refuse_conflicts

router = APIRouter(prefix="/api/sessions", tags=["events"])

MOST_EVENTS = 1000
"""Maximum number of events in a batch."""

Types = Mapping[str, AttributeType]

_MOST_ERRORS = 100
_MOST_NAME = 100
_PLACE = re.compile(r"at line (\d+) column (\d+)")


class Accepted(BaseModel):
    """The event is stored and will be processed; sending it again changes nothing."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"id": "evt-1", "status": "accepted"}]})

    id: str
    status: Literal["accepted"] = "accepted"


class AcceptedBatch(BaseModel):
    """All events of the batch are stored."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"ids": ["evt-1"], "status": "accepted"}]})

    ids: tuple[str, ...]
    status: Literal["accepted"] = "accepted"


class Batch(BaseModel):
    """Up to 1,000 events, each with its `id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=MOST_EVENTS)]


def _documented(body: type[BaseModel] | str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI description of a signed body, which is read as bytes."""
    name = body if isinstance(body, str) else body.__name__
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": examples}
    headers = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": meaning}
        for name, meaning in {
            "webhook-id": "id of the message, and of the event if its body has none",
            "webhook-timestamp": "seconds since 1970, within five minutes of now",
            "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`",
        }.items()
    ]
    return {
        "requestBody": {"required": True, "content": {"application/json": content}},
        "parameters": headers,
        "security": [{"signature": []}],
    }


_ONE = _documented("Event", {kind: {"value": example(kind)} for kind in TYPES})
_MANY = _documented(Batch, {"two": {"value": {"events": [{"id": f"evt-{n}", **example(TYPES[n])} for n in (0, 3)]}}})


@router.post("", summary="Send an event", status_code=202, openapi_extra=_ONE)
@access(Signed())
async def take_event(request: Request, resources: AppResources) -> Accepted:
    """Accept one event, signed as defined by Standard Webhooks.

    The same id with the same body gets the same response and counts once; with a different body it is a 409.
    """
    body, now = await _text(request), resources.now()
    message_id = resources.signatures.check(request.headers, body, now)
    arrival = _arrival(_parsed(body), message_id, now, await resources.attribute_types.current())
    refuse_conflicts([arrival], [await resources.inbox.submit(arrival)])
    return Accepted(id=arrival.id)


@router.post("/batch", summary="Send up to 1,000 events", status_code=202, openapi_extra=_MANY)
@access(Signed())
async def take_events(request: Request, resources: AppResources) -> AcceptedBatch:
    """Accept up to 1,000 events, signed as one message: all of them, or none if one is invalid."""
    body, now = await _text(request), resources.now()
    resources.signatures.check(request.headers, body, now)
    types = await resources.attribute_types.current()
    arrivals = await run_in_threadpool(_arrivals, _parsed(body), now, types)
    await run_in_threadpool(_store_all, resources, arrivals, now)
    return AcceptedBatch(ids=tuple(arrival.id for arrival in arrivals))


def _store_all(resources: Resources, arrivals: list[Arrival], now: datetime) -> None:
    accept_all(resources.engine, arrivals, WEBHOOK, now)


async def _text(request: Request) -> bytes:
    """The body as received, which the signature covers. Raises HTTPException 400 unless it is UTF-8 text."""
    body = await request.body()
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"the body is not UTF-8 text: see byte {error.start}") from None
    return body


def _parsed(body: bytes) -> Any:
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise HTTPException(400, f"the body is signed, but it is not JSON: {_place(error)}") from None


def _place(error: ValueError) -> str:
    place = _PLACE.search(str(error))
    return f"see line {place[1]}, column {place[2]}" if place else str(error)


def _arrival(body: Any, message_id: str, now: datetime, types: Types) -> Arrival:
    """The event as an inbox row. Raises InvalidFields."""
    try:
        event = _one().validate_python(body)
    except ValidationError as error:
        raise InvalidFields(_errors(error, 0)) from None
    if event.id not in (None, message_id):
        raise InvalidFields([FieldError(field="id", detail="differs from the webhook-id: omit it, or send the same")])
    if len(message_id) > 200 or not message_id.isprintable():
        raise InvalidFields([FieldError(field="webhook-id", detail="must be at most 200 printable characters")])
    _refuse_unusable({"": event}, now, types)
    return Arrival.of(event, body, message_id)


def _arrivals(body: Any, now: datetime, types: Types) -> list[Arrival]:
    """The events of a batch as inbox rows. Raises InvalidFields."""
    try:
        batch = _batch().validate_python(body)
    except ValidationError as error:
        raise InvalidFields(_errors(error, 2)) from None
    nameless = [n for n, event in enumerate(batch.events) if event.id is None]
    if nameless:
        raise InvalidFields([FieldError(field=f"events.{n}.id", detail="is required in a batch") for n in nameless])
    _refuse_unusable({f"events.{n}.": event for n, event in enumerate(batch.events)}, now, types)
    pairs = zip(batch.events, body["events"], strict=True)
    return [Arrival.of(event, sent, event.id or "") for event, sent in pairs]


def _refuse_unusable(events: Mapping[str, Event], now: datetime, types: Types) -> None:
    """Raise InvalidFields for events that break a rule between their fields; keys are the events' paths in the body.

    `types` are the types of session attributes.
    """
    errors = [
        FieldError(field=f"{place}{rule.field}", detail=rule.detail)
        for place, event in events.items()
        for rule in (*_ahead(event, now), *broken_rules(event), *wrong_attributes(event, types))
    ]
    if errors:
        raise InvalidFields(errors[:_MOST_ERRORS])


def _ahead(event: Event, now: datetime) -> list[BrokenRule]:
    return [BrokenRule(field, AHEAD) for field in ahead(event, now)]


def _errors(error: ValidationError, tag_at: int) -> list[FieldError]:
    """Invalid fields; the event's type, which pydantic puts into their path at `tag_at`, is removed.

    Values are not repeated and field names are shortened: both may contain personal data.
    """
    errors = error.errors(include_url=False, include_input=False)
    if len(errors) > 1:  # pydantic does not count invalid events, and then reports an empty batch as well
        errors = [details for details in errors if not _is_empty_batch(details)]
    fields: dict[str, str] = {}
    for details in errors[:_MOST_ERRORS]:  # for a union, the first member's error is kept
        fields.setdefault(_path(details, tag_at), _detail(details, tag_at))
    return [FieldError(field=field, detail=detail) for field, detail in fields.items()]


def _is_empty_batch(details: ErrorDetails) -> bool:
    return details["type"] == "too_short" and details["loc"] == ("events",)


def _path(details: ErrorDetails, tag_at: int) -> str:
    location = [part for n, part in enumerate(details["loc"]) if not (n == tag_at and part in TYPES)]
    if "attributes" in location[:-2]:
        location.pop()  # the union member that pydantic tried
    if details["type"].startswith("union_tag"):
        location.append("type")
    return ".".join(str(part)[:_MOST_NAME] for part in location) or "body"


def _detail(details: ErrorDetails, tag_at: int) -> str:
    if details["type"].startswith("union_tag"):
        return f"`type` must be one of {', '.join(TYPES)}"
    if _is_empty_batch(details):
        return "send at least one event"
    if not details["loc"]:
        return 'send {"events": [...]}' if tag_at else "send one JSON object"
    return validation_message(details)


@cache
def _one() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


@cache
def _batch() -> TypeAdapter[Batch]:
    return TypeAdapter(Batch)


def schemas() -> dict[str, Any]:
    """Schemas of the event bodies for the OpenAPI document, by name."""
    where = "#/components/schemas/{model}"
    event = _one().json_schema(ref_template=where)
    batch = _batch().json_schema(ref_template=where)
    defined = event.pop("$defs") | batch.pop("$defs")
    return {**defined, "Event": {"title": "Event", **event}, "Batch": batch}
