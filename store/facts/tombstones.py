"""Detection of events and scores about erased people that arrive after the erasure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from domain.events.events import (
    Event,
    Message,
    SessionRescheduled,
    SessionState,
    StudentDeleted,
    TranscriptReady,
    TutorDeleted,
)
from domain.events.order import SESSION_EVENTS, Arrived, only
from domain.scores import Score
from domain.vocabulary import SubjectKind
from store.db.engine import reading
from store.db.statements import ask
from store.facts.erasure import SESSION, STUDENT, TUTOR, Person, bury
from store.facts.erasure_sql import wipe

_ERASED_TUTORS = text("SELECT tutor_id FROM tutors WHERE erased_at IS NOT NULL")
_BURIED = text("""
    SELECT wanted.kind, wanted.id FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS wanted (kind, id)
    JOIN erased_ids AS e ON e.kind = wanted.kind AND e.hash = erasure_hash(wanted.kind, wanted.id)
    WHERE EXISTS (SELECT FROM erased_ids)
""")
_SESSIONS_OF_ERASED = text("""
    SELECT session_id FROM sessions
    LEFT JOIN tutors USING (tutor_id) LEFT JOIN students USING (student_id)
    WHERE session_id = ANY (:ids) AND (tutors.erased_at IS NOT NULL OR students.erased_at IS NOT NULL)
""")
_LATE = text(
    f"{wipe('EXISTS (SELECT FROM unnest(CAST(:ids AS text[])) AS id WHERE strpos(key, id) > 0)')}"
    " WHERE id = ANY (:rows)"
)
_PARKED = text(f"""
    {wipe("key NOT LIKE 'unreadable:%'")} WHERE id = ANY (:rows) AND EXISTS (SELECT FROM erased_ids) AND EXISTS (
        SELECT FROM jsonb_path_query(body, '$.** ? (@.type() == "string")') AS found (value)
        JOIN erased_ids AS e ON e.hash = erasure_hash(e.kind, found.value #>> '{{}}')
    )
""")

_Key = tuple[str, str]


@dataclass(frozen=True)
class Sorted:
    """A batch of events, sorted by treatment.

    `usable`: to apply; without student and text if the student is erased. `late`: inbox rows whose content is wiped.
    `deletions`: people to erase now. `sessions`: sessions of erased people.
    """

    usable: Sequence[Arrived[Event]]
    late: Collection[int]
    deletions: Sequence[Person]
    sessions: frozenset[str]


def erased_tutors(engine: Engine) -> frozenset[str]:
    """Random ids of erased tutors, who are not scored. Raises DatabaseUnavailable."""
    with reading(engine) as connection:
        return frozenset(connection.execute(_ERASED_TUTORS).scalars())


def is_erased(engine: Engine, kind: str, subject_id: str) -> bool:
    """Return whether the tutor or student of this id was erased. Raises DatabaseUnavailable."""
    return bool(ask(engine, _BURIED, {"kinds": [kind], "ids": [subject_id]}))


def buried(connection: Connection, keys: Iterable[_Key]) -> set[_Key]:
    """The keys (kind, id) that have a tombstone."""
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    kinds, ids = zip(*wanted, strict=True)
    return {(row.kind, row.id) for row in connection.execute(_BURIED, {"kinds": list(kinds), "ids": list(ids)})}


def sort_out(connection: Connection, arrived: Sequence[Arrived[Event]]) -> Sorted:
    """Separate events about people erased before, or earlier in the batch, from those to apply."""
    before = buried(connection, (key for one in arrived for key in _keys(one.event)))
    first = _first_deletions(arrived)

    def is_gone(key: _Key, row: int) -> bool:
        return key in before or (key in first and first[key].row < row)

    late: dict[int, Arrived[Event]] = {}
    usable = dict[int, Arrived[Event]]()
    for place, one in enumerate(arrived):
        gone = [key for key in _keys(one.event) if is_gone(key, one.row)]
        if gone:
            late[place] = one
        if not gone or (isinstance(one.event.data, SessionState | Message) and {key[0] for key in gone} == {STUDENT}):
            usable[place] = _without_student(one) if gone else one
    sessions = {one.event.data.session_id for one in only(late.values(), *SESSION_EVENTS)}
    for place in _transcripts_of(connection, usable, sessions):
        late[place] = usable.pop(place)
    deletions = [Person(*key, one.event.timestamp) for key, one in first.items() if key not in before]
    return Sorted(list(usable.values()), [one.row for one in late.values()], deletions, frozenset(sessions))


def wipe_late(connection: Connection, sorted_events: Sorted, ids: Collection[str], now: datetime) -> None:
    """Wipe the content of late events in the inbox, and store tombstones of the sessions they name."""
    if sorted_events.late:
        connection.execute(_LATE, {"rows": list(sorted_events.late), "ids": list(ids)})
    if sorted_events.sessions:
        bury(connection, SESSION, sorted_events.sessions, now)


def wipe_parked(connection: Connection, rows: Collection[int]) -> None:
    """Wipe and close parked events that contain an erased id anywhere."""
    if rows:
        connection.execute(_PARKED, {"rows": list(rows)})


def without_erased(connection: Connection, scores: Sequence[Score]) -> list[Score]:
    """Scores without those of tutors erased during their computation."""
    gone = buried(connection, ((TUTOR, s.subject_id) for s in scores if s.subject_kind is SubjectKind.TUTOR))
    return [s for s in scores if s.subject_kind is not SubjectKind.TUTOR or (TUTOR, s.subject_id) not in gone]


def _keys(event: Event) -> list[_Key]:
    if isinstance(event, TranscriptReady):
        return [(SESSION, event.data.session_id)]
    if isinstance(event, StudentDeleted):
        return [(STUDENT, event.data.student_id)]
    student_id = event.data.student_id if isinstance(event.data, SessionState | Message) else None
    return [(TUTOR, event.data.tutor_id), *([] if student_id is None else [(STUDENT, student_id)])]


def ids_in(arrived: Iterable[Arrived[Event]]) -> set[str]:
    """Ids of the tutors and students named by events."""
    return {key[1] for one in arrived for key in _keys(one.event) if key[0] != SESSION}


def _first_deletions(arrived: Iterable[Arrived[Event]]) -> dict[_Key, Arrived[Any]]:
    first: dict[_Key, Arrived[Any]] = {}
    for one in only(arrived, TutorDeleted, StudentDeleted):
        (key,) = _keys(one.event)
        if key not in first or one.row < first[key].row:
            first[key] = one
    return first


def _without_student(one: Arrived[Event]) -> Arrived[Event]:
    """The event without student, attributes and reason."""
    empty: dict[str, Any] = {"student_id": None}
    if isinstance(one.event, SESSION_EVENTS):
        empty["attributes"] = {}
    if isinstance(one.event, SessionRescheduled):
        empty["reason_text"] = None
    data = one.event.data.model_copy(update=empty)
    return replace(one, event=one.event.model_copy(update={"data": data}))


def _transcripts_of(connection: Connection, usable: dict[int, Arrived[Event]], sessions: Collection[str]) -> list[int]:
    """Positions of the transcripts of sessions of erased people."""
    found = {place: one for place, one in usable.items() if isinstance(one.event, TranscriptReady)}
    if not found:
        return []
    ids = [one.event.data.session_id for one in only(found.values(), TranscriptReady)]
    gone = {*sessions, *connection.execute(_SESSIONS_OF_ERASED, {"ids": ids}).scalars()}
    return [place for place, one in found.items() if one.event.data.session_id in gone]  # type: ignore[union-attr]
