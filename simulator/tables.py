"""Arrow tables of the market in the schema of `domain.schema`, limited to data known at the present."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.vocabulary import AttributeType, ReasonCode
from features.base.dataset import TIME, Attribute, arrow_schema
from simulator import texts
from simulator.changes import Reschedules
from simulator.messages import TUTOR, Messages
from simulator.outcomes import BOOKED, CANCELLED, MINUTE, STATUSES, Outcomes
from simulator.schedule import HOUR, SUBJECTS, Places, Sessions
from simulator.settings import MarketSettings, microseconds
from simulator.students import REPLACEMENT_REASONS, Pairs
from simulator.tutors import DAY, ZONES, Floats, Ints, Tutors

ATTRIBUTES = (
    Attribute("sessions", "subject", AttributeType.CATEGORICAL),
    Attribute("sessions", "replacement_reason", AttributeType.CATEGORICAL),
)
SENDERS = ("tutor", "student", "platform")
OTHERS_WITH_TRANSCRIPT = 0.02
"""Share of sessions after the first with a transcript."""


def tutor_table(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> pa.Table:
    """Tutors who had joined by the present, with the departures known by then."""
    end = microseconds(settings.end)
    here = np.flatnonzero(tutors.started_at < end)
    tutor_ids, departed = _ids("tutor-", here), tutors.departed_at[here]
    return _table(
        "tutors",
        {
            "tutor_id": tutor_ids,
            "name": texts.names(here.size, rng),
            "email": pc.binary_join_element_wise(tutor_ids, pa.scalar("@tutors.example.org"), ""),
            "timezone": _named(ZONES, tutors.zone[here]),
            "started_at": _times(tutors.started_at[here]),
            "departed_at": _times(departed, departed < end),
        },
    )


def student_table(pairs: Pairs, rng: np.random.Generator) -> pa.Table:
    """Students, who joined shortly before their first booking."""
    present, first = np.unique(pairs.student, return_index=True)
    began = np.full(pairs.student.size, np.iinfo(np.int64).max)
    np.minimum.at(began, pairs.student, pairs.begins)
    joined = began[present] - rng.integers(0, 3 * DAY, present.size)
    columns = {"student_id": _ids("student-", present), "timezone": _named(ZONES, pairs.zone[first])}
    return _table("students", columns | {"started_at": _times(joined)})


def session_table(
    sessions: Sessions, places: Places, pairs: Pairs, starts_at: Ints, scheduled_at: Ints, outcomes: Outcomes
) -> pa.Table:
    """Sessions booked by the present; one whose outcome is not known yet is `booked`."""
    reason = np.where(outcomes.first_of_pair, pairs.reason[pairs.of], -1)
    columns = {
        "session_id": _ids("session-", np.arange(starts_at.size)),
        "tutor_id": _ids("tutor-", sessions.tutor),
        "student_id": _ids("student-", pairs.student[pairs.of]),
        "booked_at": _times(sessions.booked_at),
        "scheduled_at": _times(scheduled_at),
        "starts_at": _times(starts_at),
        "ends_at": _times(starts_at + HOUR),
        "attributes.subject": _named(SUBJECTS, places.subject[sessions.place]),
        "attributes.replacement_reason": _named(REPLACEMENT_REASONS, reason),
    }
    return _table("sessions", columns | _outcome_columns(outcomes))


def _outcome_columns(outcomes: Outcomes) -> dict[str, pa.Array]:
    known, held = outcomes.known, outcomes.held
    return {
        "status": _named(STATUSES, np.where(known, outcomes.status, BOOKED)),
        "outcome_known_at": _times(outcomes.known_at, known),
        "initiated_by": _named(
            ("student", "tutor"), outcomes.by_tutor.astype(np.int64), known & (outcomes.status == CANCELLED)
        ),
        "late_minutes": pa.array(outcomes.late_minutes, mask=~held),
        "duration_minutes": pa.array(outcomes.duration_minutes, mask=~held),
        "rating": pa.array(outcomes.rating, mask=~(held & (outcomes.rating > 0))),
    }


def reschedule_table(sessions: Sessions, moves: Reschedules, reasons: Ints, rng: np.random.Generator) -> pa.Table:
    """Reschedules with their written reasons; about half of them have a reason code."""
    codes = tuple(str(reason) for reason in texts.REASONS)
    coded = (rng.random(reasons.size) < texts.CODED_SHARE) & (reasons != texts.REASONS.index(ReasonCode.UNCLEAR))
    return _table(
        "reschedules",
        {
            "reschedule_id": _ids("reschedule-", np.arange(reasons.size)),
            "session_id": _ids("session-", moves.session),
            "tutor_id": _ids("tutor-", sessions.tutor[moves.session]),
            "initiator": _named(("student", "tutor"), moves.by_tutor.astype(np.int64)),
            "requested_at": _times(moves.requested_at),
            "old_starts_at": _times(moves.old_starts_at),
            "new_starts_at": _times(moves.new_starts_at),
            "reason_text": texts.reason_texts(reasons, rng),
            "reason_code": _named(codes, reasons, coded),
        },
    )


def message_table(messages: Messages, pairs: Pairs) -> pa.Table:
    """Messages; the platform's are sent to the tutor and concern no student."""
    student = np.where(messages.session >= 0, pairs.student[pairs.of[messages.session]], -1)
    return _table(
        "messages",
        {
            "message_id": _ids("message-", np.arange(messages.tutor.size)),
            "tutor_id": _ids("tutor-", messages.tutor),
            "student_id": _ids("student-", student),
            "sent_at": _times(messages.sent_at),
            "sender": _named(SENDERS, messages.sender),
            "recipient": _named(SENDERS, np.where(messages.sender == TUTOR, 1, 0)),
        },
    )


def transcript_table(settings: MarketSettings, outcomes: Outcomes, rng: np.random.Generator) -> tuple[pa.Table, Floats]:
    """Transcripts of first sessions and of some others, and their hidden quality."""
    known_at = outcomes.known_at + 10 * MINUTE
    chosen = outcomes.first_of_pair | (rng.random(known_at.size) < OTHERS_WITH_TRANSCRIPT)
    rows = np.flatnonzero(outcomes.held & chosen & (known_at < microseconds(settings.end)))
    quality = outcomes.quality[rows]
    columns = {"session_id": _ids("session-", rows), "known_at": _times(known_at[rows])}
    return _table("transcripts", columns | {"text": texts.transcripts(quality, rng)}), quality


def _table(kind: str, columns: dict[str, pa.Array]) -> pa.Table:
    schema = arrow_schema(kind, ATTRIBUTES)
    rows = len(next(iter(columns.values())))
    return pa.table([columns.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema)


def _ids(prefix: str, codes: Ints) -> pa.Array:
    """Ids such as `tutor-17` from codes; null for a negative code."""
    text = pc.binary_join_element_wise(pa.scalar(prefix), pc.cast(pa.array(codes), pa.string()), "")
    return pc.if_else(pa.array(codes >= 0), text, pa.scalar(None, pa.string()))


def _times(moments: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Timestamps from UTC microseconds, null where unknown."""
    return pa.array(moments, pa.int64(), mask=None if known is None else ~known).cast(TIME)


def _named(names: tuple[str, ...], codes: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Names from codes, null where unknown or negative."""
    mask = (codes < 0) if known is None else ~known
    return pa.array(names, pa.string()).take(pa.array(np.maximum(codes, 0), mask=mask))
