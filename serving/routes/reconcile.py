"""Reconciliation with Rails: compare its sessions of a time span with those stored here."""

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
    """All your sessions that start in [from, to): their ids, or their counts by status. Ids detect more."""

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
            raise ValueError("send session_ids, counts or both")
        if not timedelta(0) < self.end - self.begin <= LONGEST:
            raise ValueError(f"`to` must be after `from`, by at most {LONGEST.days} days")
        return self


class CountDifference(BaseModel):
    """A session status whose counts differ."""

    status: SessionStatus
    yours: int
    ours: int


class Reconciled(BaseModel):
    """Differences. Send the events of `missing` again, or run `tqs rails sync`.

    Events of `waiting` are stored and not processed yet; those of `parked` need a person here; `unexpected` sessions
    start in the span here, but you did not send them. Without ids these four are empty and only `counts` is compared;
    `backlog` is then the number of session events not processed yet, after which the counts may agree.
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


@router.post("/reconcile", summary="Find missing sessions")
@access(Permission.EVENTS_SEND)
def reconcile(span: SpanOfSessions, resources: AppResources) -> Reconciled:
    """Compare your sessions of up to 31 days with those stored here."""
    differences: dict[str, Any] = {}
    if span.session_ids is not None:
        differences |= asdict(compare_ids(resources.engine, span.begin, span.end, span.session_ids))
    if span.counts is not None:
        counts = counts_of(resources.engine, span.begin, span.end)
        differences |= {"counts": _differences(span.counts, counts.sessions), "backlog": counts.backlog}
    complete = not any(differences.get(name) for name in ("missing", "parked", "unexpected", "counts"))
    return Reconciled(complete=complete, **differences)


def _differences(yours: Counts, ours: Counts) -> tuple[CountDifference, ...]:
    return tuple(
        CountDifference(status=status, yours=yours[status], ours=ours[status])
        for status in SessionStatus
        if status in yours and yours[status] != ours[status]
    )
