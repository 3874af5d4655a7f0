"""List of tutors, filtered, sorted and paginated."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from domain.events.types import Id, Name
from domain.policy import Permission
from domain.score_kinds import LISTED
from domain.vocabulary import Band, ScoreKind
from serving.bodies import examples
from serving.bodies.scores import ListedCount, ListedScore, ListedTutor, TutorList
from serving.guard.permissions import access
from serving.guard.request_state import set_audit_subjects
from serving.http.cursors import MOST, make_cursor, read_cursor
from serving.resources import AppResources
from store.scores.tutor_list import ListedTutor as StoredTutor
from store.scores.tutor_list import PageStart, SortKey, Wanted, tutor_page

router = APIRouter(prefix="/api/tutors", tags=["scores"])

Sort = Literal[
    "sessions_at_risk", "help", "no_show_14d", "churn_30d", "reschedule_rate_30d", "session_quality", "name",
    "-sessions_at_risk", "-help", "-no_show_14d", "-churn_30d", "-reschedule_rate_30d", "-session_quality", "-name",
]  # fmt: skip
"""Sort key; a leading `-` sorts in descending order."""

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

Count = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TutorQuery(BaseModel):
    """Filter, order and page of the list of tutors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sort: Sort = Field("-sessions_at_risk", description="sort key; a leading `-` sorts in descending order")
    band: Band | None = Field(None, description="only tutors whose `help` is in this band")
    active: bool | None = Field(
        None, description="only tutors that the last daily scoring included, or did not include"
    )
    name: Name | None = Field(None, description="only tutors whose name starts with this text, ignoring case")
    min_sessions_at_risk: Count | None = None
    min_help: Fraction | None = None
    min_no_show_14d: Fraction | None = None
    min_churn_30d: Fraction | None = None
    min_reschedule_rate_30d: Fraction | None = None
    max_session_quality: Fraction | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: Annotated[str, Field(max_length=MOST)] | None = Field(
        None, description="`next_cursor` of the previous page"
    )

    @property
    def wanted(self) -> Wanted:
        """The query to the store."""
        return Wanted(
            sort=SortKey(self.sort.removeprefix("-")),
            descending=self.sort.startswith("-"),
            band=self.band,
            active=self.active,
            name=self.name,
            at_least=self._bounds("min_"),
            at_most=self._bounds("max_"),
        )

    def _bounds(self, prefix: str) -> Mapping[ScoreKind, float]:
        bounds = {kind: getattr(self, f"{prefix}{kind}", None) for kind in LISTED}
        return {kind: value for kind, value in bounds.items() if value is not None}

    @property
    def question(self) -> dict[str, Any]:
        """The part of the query that a cursor is bound to."""
        return self.model_dump(mode="json", exclude={"limit", "cursor"})


class _TutorCursor(BaseModel):
    """Content of a cursor, without the value of the sort key."""

    model_config = ConfigDict(extra="forbid", strict=True)

    up_to: Annotated[int, Field(ge=0, lt=2**63)]
    tutor_id: Id


class _ScoreCursor(_TutorCursor):
    value: Annotated[float, Field(allow_inf_nan=False)] | None


class _NameCursor(_TutorCursor):
    value: Name


@router.get("", summary="List of tutors")
@access(Permission.SCORES_READ, example=examples.TUTOR_LIST)
def tutors(query: Annotated[TutorQuery, Query()], request: Request, resources: AppResources) -> TutorList:
    """List tutors with their main scores, by default those with the most sessions at risk first.

    Tutors without a value for the sort key come last. Follow `next_cursor` for the next page: all pages are as of the
    first, so no tutor is omitted or listed twice if scores are saved meanwhile.
    """
    after = _place(query) if query.cursor is not None else None
    page = tutor_page(resources.engine, query.wanted, resources.now(), query.limit, after)
    set_audit_subjects(request, [tutor.tutor_id for tutor in page.tutors])
    place = page.following
    cursor = place and {"up_to": place.up_to, "value": place.value, "tutor_id": place.tutor_id}
    return TutorList(
        tutors=tuple(_line(tutor) for tutor in page.tutors),
        next_cursor=make_cursor(query.question, cursor) if cursor else None,
    )


def _place(query: TutorQuery) -> PageStart:
    content: type[_NameCursor | _ScoreCursor] = _NameCursor if query.wanted.sort is SortKey.NAME else _ScoreCursor
    cursor = read_cursor(query.question, query.cursor or "", content)
    return PageStart(cursor.up_to, cursor.value, cursor.tutor_id)


def _line(tutor: StoredTutor) -> ListedTutor:
    fractions = [kind for kind in LISTED if kind is not ScoreKind.SESSIONS_AT_RISK]
    listed = {kind.value: ListedScore.of(tutor.scores[kind]) if kind in tutor.scores else None for kind in fractions}
    return ListedTutor(
        tutor_id=tutor.tutor_id,
        name=tutor.name,
        timezone=tutor.timezone,
        active=tutor.active,
        band=tutor.band,
        sessions_at_risk=ListedCount.of(tutor.sessions_at_risk) if tutor.sessions_at_risk else None,
        reasons=tutor.reasons,
        action=tutor.action,
        **listed,
    )
