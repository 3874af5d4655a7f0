"""The webhook of the Rails app: checked, kept, answered 202; the work comes later."""

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
from serving.http.validation_messages import in_words
from serving.resources import AppResources, Resources
from store.inbox.accept import WEBHOOK, Arrival, accept_all, refuse_conflicts

router = APIRouter(prefix="/api/sessions", tags=["events"])

MOST_EVENTS = 1000
"""Events in a batch."""

Types = Mapping[str, AttributeType]

_MOST_ERRORS = 100
_MOST_NAME = 100
_PLACE = re.compile(r"at line (\d+) column (\d+)")


class Accepted(BaseModel):
    """The event is kept and will be worked on; sending it again changes nothing."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"id": "evt-1", "status": "accepted"}]})

    id: str
    status: Literal["accepted"] = "accepted"


class AcceptedBatch(BaseModel):
    """All events of the batch are kept."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"ids": ["evt-1"], "status": "accepted"}]})

    ids: tuple[str, ...]
    status: Literal["accepted"] = "accepted"


class Batch(BaseModel):
    """Up to a thousand events, each with its `id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=MOST_EVENTS)]


def _documented(body: type[BaseModel] | str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of a body that is read as bytes, since a signature is over bytes."""
    name = body if isinstance(body, str) else body.__name__
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": examples}
    headers = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": meaning}
        for name, meaning in {
            "webhook-id": "id of the message; of the event, where its body names none",
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


@router.post("", summary="Take an event", status_code=202, openapi_extra=_ONE)
@access(Signed())
async def take_event(request: Request, resources: AppResources) -> Accepted:
    """Take one event, signed by Standard Webhooks.

    The same id with the same body is answered the same and counts once; with another body it is a 409.
    """
    body, now = await _text(request), resources.now()
    message_id = resources.signatures.check(request.headers, body, now)
    arrival = _arrival(_parsed(body), message_id, now, await resources.attribute_types.current())
    refuse_conflicts([arrival], [await resources.inbox.submit(arrival)])
    return Accepted(id=arrival.id)


@router.post("/batch", summary="Take up to 1,000 events", status_code=202, openapi_extra=_MANY)
@access(Signed())
async def take_events(request: Request, resources: AppResources) -> AcceptedBatch:
    """Take up to 1,000 events, signed as one message: all of them, or none where one cannot be used."""
    body, now = await _text(request), resources.now()
    resources.signatures.check(request.headers, body, now)
    types = await resources.attribute_types.current()
    arrivals = await run_in_threadpool(_arrivals, _parsed(body), now, types)
    await run_in_threadpool(_keep_all, resources, arrivals, now)
    return AcceptedBatch(ids=tuple(arrival.id for arrival in arrivals))


def _keep_all(resources: Resources, arrivals: list[Arrival], now: datetime) -> None:
    accept_all(resources.engine, arrivals, WEBHOOK, now)


async def _text(request: Request) -> bytes:
    """The body as it came, over which it is signed. What is no text is refused at once: nobody can have signed it."""
    body = await request.body()
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"the body is no UTF-8 text: see byte {error.start}") from None
    return body


def _parsed(body: bytes) -> Any:
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise HTTPException(400, f"the body is signed, but it is not JSON: {_place(error)}") from None


def _place(error: ValueError) -> str:
    place = _PLACE.search(str(error))
    return f"see line {place[1]}, column {place[2]}" if place else str(error)


def _arrival(given: Any, message_id: str, now: datetime, types: Types) -> Arrival:
    """Raises InvalidFields."""
    try:
        event = _one().validate_python(given)
    except ValidationError as error:
        raise InvalidFields(_errors(error, 0)) from None
    if event.id not in (None, message_id):
        raise InvalidFields([FieldError(field="id", detail="is not the webhook-id: leave it out, or send the same")])
    if len(message_id) > 200 or not message_id.isprintable():
        raise InvalidFields([FieldError(field="webhook-id", detail="must be at most 200 printable characters")])
    _refuse_unusable({"": event}, now, types)
    return Arrival.of(event, given, message_id)


def _arrivals(given: Any, now: datetime, types: Types) -> list[Arrival]:
    """Raises InvalidFields."""
    try:
        batch = _batch().validate_python(given)
    except ValidationError as error:
        raise InvalidFields(_errors(error, 2)) from None
    nameless = [n for n, event in enumerate(batch.events) if event.id is None]
    if nameless:
        raise InvalidFields([FieldError(field=f"events.{n}.id", detail="is needed in a batch") for n in nameless])
    _refuse_unusable({f"events.{n}.": event for n, event in enumerate(batch.events)}, now, types)
    pairs = zip(batch.events, given["events"], strict=True)
    return [Arrival.of(event, sent, event.id or "") for event, sent in pairs]


def _refuse_unusable(events: Mapping[str, Event], now: datetime, types: Types) -> None:
    """Raise InvalidFields for events, by the path of each in the body, that break a rule between their fields.

    `types` are those of the attributes of sessions.
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
    """The fields that cannot be used, without the event's type that pydantic puts into their path at `tag_at`.

    What was sent is not repeated, and of a field's name no more than a line: either may be about a person.
    """
    found = error.errors(include_url=False, include_input=False)
    if len(found) > 1:  # events that cannot be used are not counted, which is not what is wrong with their number
        found = [each for each in found if not _is_empty_batch(each)]
    fields: dict[str, str] = {}
    for each in found[:_MOST_ERRORS]:  # of the members of a union that were tried, the first speaks
        fields.setdefault(_path(each, tag_at), _detail(each, tag_at))
    return [FieldError(field=field, detail=detail) for field, detail in fields.items()]


def _is_empty_batch(found: ErrorDetails) -> bool:
    return found["type"] == "too_short" and found["loc"] == ("events",)


def _path(found: ErrorDetails, tag_at: int) -> str:
    location = [part for n, part in enumerate(found["loc"]) if not (n == tag_at and part in TYPES)]
    if "attributes" in location[:-2]:
        location.pop()  # the member of the union that was tried
    if found["type"].startswith("union_tag"):
        location.append("type")
    return ".".join(str(part)[:_MOST_NAME] for part in location) or "body"


def _detail(found: ErrorDetails, tag_at: int) -> str:
    if found["type"].startswith("union_tag"):
        return f"`type` must be one of {', '.join(TYPES)}"
    if _is_empty_batch(found):
        return "give at least one event"
    if not found["loc"]:
        return 'give {"events": [...]}' if tag_at else "give one JSON object"
    return in_words(found)


@cache
def _one() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


@cache
def _batch() -> TypeAdapter[Batch]:
    return TypeAdapter(Batch)


def schemas() -> dict[str, Any]:
    """The schemas that the documentation of these bodies refers to, by name."""
    where = "#/components/schemas/{model}"
    event = _one().json_schema(ref_template=where)
    batch = _batch().json_schema(ref_template=where)
    defined = event.pop("$defs") | batch.pop("$defs")
    return {**defined, "Event": {"title": "Event", **event}, "Batch": batch}
