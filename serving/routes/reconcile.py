"""The gap detector: Rails says what it has of a span of time; the answer names what is missing here."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.events.types import Id, Moment
from domain.policy import Permission
from domain.vocabulary import SessionStatus
from serving.guard.permissions import access
from serving.resources import AppResources
from store.facts.reconcile import compare_ids, counts_of

router = APIRouter(prefix="/api/sessions", tags=["events"])

Counts = Mapping[SessionStatus, int]

MOST_IDS = 20_000
LONGEST = timedelta(days=31)

_COUNTS_EXAMPLE: dict[str, Any] = {
    "from": "2026-11-22T00:00:00Z",
    "to": "2026-11-23T00:00:00Z",
    "counts": {"completed": 2804, "cancelled": 130, "no_show": 41, "student_no_show": 25, "booked": 0},
}
_IDS_EXAMPLE: dict[str, Any] = {
    "from": "2026-11-22T00:00:00Z",
    "to": "2026-11-23T00:00:00Z",
    "session_ids": ["session-81023"],
}


class SpanOfSessions(BaseModel):
    """All sessions of yours that start in [from, to): their ids, or how many stand how. Ids find more."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"examples": [_IDS_EXAMPLE, _COUNTS_EXAMPLE]},
    )

    begin: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    session_ids: Annotated[tuple[Id, ...], Field(max_length=MOST_IDS)] | None = None
    counts: dict[SessionStatus, Annotated[int, Field(strict=True, ge=0, le=10**9)]] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.session_ids is None and self.counts is None:
            raise ValueError("give session_ids, counts or both")
        if not timedelta(0) < self.end - self.begin <= LONGEST:
            raise ValueError(f"`to` must lie after `from`, by {LONGEST.days} days at most")
        return self


class CountDifference(BaseModel):
    """A status of which there are not as many here as with you."""

    status: SessionStatus
    yours: int
    ours: int


class Reconciled(BaseModel):
    """What differs. Send the events of `missing` again, or run `tqs rails sync`.

    `waiting` are kept and not worked on yet; `parked` are kept and need a person here; `unexpected` start in that span
    here, and you did not name them. Where you named no ids those four are empty, and `counts` alone speaks; `backlog`
    is then how many events of sessions are kept and not worked on yet, after which they may agree.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "complete": False,
                    "missing": ["session-81023"],
                    "waiting": [],
                    "parked": [],
                    "unexpected": [],
                    "counts": [{"status": "completed", "yours": 2804, "ours": 2803}],
                    "backlog": 0,
                }
            ]
        }
    )

    complete: bool = Field(description="whether nothing is missing, parked or unexpected, and no count differs")
    missing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    counts: tuple[CountDifference, ...] = ()
    backlog: int | None = None


@router.post("/reconcile", summary="Find what never came")
@access(Permission.EVENTS_SEND)
def reconcile(span: SpanOfSessions, resources: AppResources) -> Reconciled:
    """Compare what you have of a day, or of up to 31, with what is here."""
    found: dict[str, Any] = {}
    if span.session_ids is not None:
        found |= asdict(compare_ids(resources.engine, span.begin, span.end, span.session_ids))
    if span.counts is not None:
        counted = counts_of(resources.engine, span.begin, span.end)
        found |= {"counts": _differences(span.counts, counted.sessions), "backlog": counted.backlog}
    complete = not any(found.get(name) for name in ("missing", "parked", "unexpected", "counts"))
    return Reconciled(complete=complete, **found)


def _differences(yours: Counts, ours: Counts) -> tuple[CountDifference, ...]:
    return tuple(
        CountDifference(status=status, yours=yours[status], ours=ours[status])
        for status in SessionStatus
        if status in yours and yours[status] != ours[status]
    )
