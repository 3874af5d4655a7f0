"""Upcoming sessions by no-show risk."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.events.types import Id, Moment
from domain.policy import Permission
from domain.scores import band, least_risk
from domain.vocabulary import Band
from insights.advice.upcoming import Advice, advice
from serving.bodies import examples
from serving.bodies.scores import SessionRisk, UpcomingSession, UpcomingSessions
from serving.guard.permissions import access
from serving.guard.request_state import set_audit_subjects
from serving.http.cursors import MOST, make_cursor, read_cursor
from serving.resources import AppResources
from store.scores.ranking import UpcomingSession as StoredSession
from store.scores.upcoming import Upcoming, UpcomingPageStart, upcoming_page

router = APIRouter(prefix="/api/sessions", tags=["scores"])


class UpcomingQuery(BaseModel):
    """Filter and page of upcoming sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk: Band | None = Field(
        None, description="only sessions in this band or a worse one; `ok` omits sessions not scored yet"
    )
    hours: int = Field(48, ge=1, le=48, description="how far ahead; sessions are scored 48 hours ahead")
    after_hours: int = Field(0, ge=0, le=47, description="omit sessions that start within this many hours")
    limit: int = Field(100, ge=1, le=500)
    cursor: Annotated[str, Field(max_length=MOST)] | None = Field(
        None, description="`next_cursor` of the previous page"
    )

    @property
    def question(self) -> dict[str, Any]:
        """The part of the query that a cursor is bound to."""
        return self.model_dump(mode="json", exclude={"limit", "cursor"})


class _UpcomingCursor(BaseModel):
    """Content of a cursor: the last session of a page, and the time of the first page."""

    model_config = ConfigDict(extra="forbid")

    now: Moment
    risk: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None
    starts_at: Moment
    session_id: Id


@router.get("/upcoming", summary="Upcoming sessions by risk")
@access(Permission.SCORES_READ, example=examples.UPCOMING_SESSIONS)
def upcoming_list(
    query: Annotated[UpcomingQuery, Query()], request: Request, resources: AppResources
) -> UpcomingSessions:
    """List booked sessions of the next 48 hours by risk, highest first, with reasons and a recommended action.

    For a tutor who is not on the contact list of the session's day, `action` is "Not on the day's contact list" and
    reasons and what-if are withheld, whether the tutor is in the holdout or the list is full.
    """
    cursor = read_cursor(query.question, query.cursor, _UpcomingCursor) if query.cursor is not None else None
    now = cursor.now if cursor else resources.now()
    after, before = now + timedelta(hours=query.after_hours), now + timedelta(hours=query.hours)
    place = UpcomingPageStart(cursor.risk, cursor.starts_at, cursor.session_id) if cursor else None
    least = None if query.risk is None else least_risk(query.risk)
    page, total = upcoming_page(resources.engine, after, before, least, query.limit + 1, place)
    shown = page.sessions[: query.limit]
    set_audit_subjects(request, dict.fromkeys(session.tutor_id for session in shown))
    more = len(page.sessions) > query.limit
    return UpcomingSessions(
        sessions=tuple(_line(page, session) for session in shown),
        total=total,
        next_cursor=make_cursor(query.question, _cursor(shown[-1], now)) if more else None,
    )


def _cursor(session: StoredSession, now: datetime) -> dict[str, Any]:
    risk = session.no_show.value if session.no_show else None
    times = {"now": now.isoformat(), "starts_at": session.starts_at.isoformat()}
    return times | {"risk": risk, "session_id": session.session_id}


def _line(page: Upcoming, session: StoredSession) -> UpcomingSession:
    advised, risk = _advised(page, session), session.no_show
    return UpcomingSession(
        session_id=session.session_id,
        tutor_id=session.tutor_id,
        tutor_name=session.tutor_name,
        timezone=session.timezone,
        student_id=session.student_id,
        starts_at=session.starts_at,
        risk=SessionRisk(value=risk.value, low=risk.low, high=risk.high, band=band(risk.value)) if risk else None,
        reasons=session.reasons,
        action=advised.action if advised else None,
        expected_effect=(advised.effect or None) if advised else None,
        what_if=session.what_if,
        model_version=session.model_version,
        as_of=session.as_of,
    )


def _advised(page: Upcoming, session: StoredSession) -> Advice | None:
    if session.no_show is None:
        return None
    effect = page.effect_on(session)
    return advice(session.no_show.value, session.action, session.is_listed, effect, session.withheld)
