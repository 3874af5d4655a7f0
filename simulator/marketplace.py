"""The marketplace: people, schedule, changes, outcomes; then only what is known at the present moment."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.vocabulary import AttributeType, ReasonCode
from features.dataset import TIME, Attribute, Dataset, arrow_schema
from simulator import texts
from simulator.changes import Cancellations, Reschedules, make_cancellations, make_reschedules
from simulator.messages import Messages, make_messages
from simulator.no_shows import no_show_probability
from simulator.outcomes import Outcomes, make_outcomes
from simulator.schedule import HOUR, REPLACEMENT_REASONS, SUBJECTS, Pairs, Sessions, make_pairs, make_sessions
from simulator.settings import MarketSettings, microseconds
from simulator.truth import truth_table
from simulator.tutors import STAYS, ZONES, Ints, Tutors, make_tutors

ATTRIBUTES = (
    Attribute("sessions", "subject", AttributeType.CATEGORICAL),
    Attribute("sessions", "replacement_reason", AttributeType.CATEGORICAL),
)
NAMES = ("Alex", "Ana", "Ben", "Chloe", "Dana", "Eli", "Grace", "Hana", "Ivan", "Jo", "Kim", "Lena", "Maya", "Noor", "Omar", "Priya")
SURNAMES = ("Adams", "Bauer", "Cruz", "Diaz", "Evans", "Fischer", "Gupta", "Hughes", "Iyer", "Jones", "Khan", "Lopez", "Miller", "Reyes")


@dataclass(frozen=True)
class Market:
    """What the platform knows, and the truth behind it (see `simulator.truth`), for evaluation only."""

    dataset: Dataset
    truth: pa.Table


def simulate(settings: MarketSettings) -> Market:
    """Simulate a marketplace. The same settings give the same market."""
    rng = np.random.default_rng(settings.seed)
    tutors = make_tutors(settings, rng)
    pairs = make_pairs(settings, tutors, rng)
    sessions, student_zone = make_sessions(settings, tutors, pairs, rng)
    moves = make_reschedules(settings, tutors, sessions, rng)
    starts_at, scheduled_at = sessions.starts_at.copy(), sessions.booked_at.copy()
    starts_at[moves.session], scheduled_at[moves.session] = moves.new_starts_at, moves.requested_at
    messages = make_messages(settings, tutors, pairs.student[pairs.of[:, 0, :]], rng)
    cancellations = make_cancellations(tutors, sessions, starts_at, scheduled_at, rng)
    probability = no_show_probability(settings, tutors, sessions, starts_at, scheduled_at, moves, messages)
    outcomes = make_outcomes(settings, tutors, sessions, starts_at, probability, cancellations, rng)
    table = _session_table(sessions, pairs, starts_at, scheduled_at, outcomes)
    reasons = rng.choice(len(texts.REASONS), moves.session.size, p=texts.REASON_SHARES)
    transcripts, quality = _transcript_table(settings, tutors, sessions, outcomes, table, rng)
    tables = {
        "tutors": _tutor_table(settings, tutors, rng),
        "students": _student_table(settings, student_zone, np.union1d(sessions.student, messages.student[messages.student >= 0])),
        "sessions": table,
        "reschedules": _reschedule_table(sessions, moves, reasons, rng),
        "messages": _message_table(messages),
        "transcripts": transcripts,
    }
    truth = truth_table(settings, tutors, table["session_id"], probability, tables["reschedules"], reasons, quality)
    return Market(Dataset(tables, ATTRIBUTES), truth)


def ids(prefix: str, codes: Ints) -> pa.Array:
    """Codes as ids, `T17`; null for a negative code."""
    text = pc.binary_join_element_wise(pa.scalar(prefix), pc.cast(pa.array(codes), pa.string()), "")
    return pc.if_else(pa.array(codes >= 0), text, pa.scalar(None, pa.string()))


def times(microseconds_: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """UTC microseconds as timestamps, null where not known."""
    return pa.array(microseconds_, pa.int64(), mask=None if known is None else ~known).cast(TIME)


def _named(names: tuple[str, ...], codes: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    mask = (codes < 0) if known is None else ~known
    return pa.array(names, pa.string()).take(pa.array(np.maximum(codes, 0), mask=mask))


def _table(kind: str, columns: dict[str, pa.Array]) -> pa.Table:
    schema = arrow_schema(kind, ATTRIBUTES)
    rows = len(next(iter(columns.values())))
    return pa.table([columns.get(f.name, pa.nulls(rows, f.type)) for f in schema], schema=schema)


def _tutor_table(settings: MarketSettings, tutors: Tutors, rng: np.random.Generator) -> pa.Table:
    end = microseconds(settings.end)
    here = np.flatnonzero(tutors.started_at < end)
    first, last = (rng.integers(0, len(bank), here.size) for bank in (NAMES, SURNAMES))
    tutor_ids = ids("T", here)
    departed = tutors.departed_at[here]
    return _table(
        "tutors",
        {
            "tutor_id": tutor_ids,
            "name": pc.binary_join_element_wise(_named(NAMES, first), _named(SURNAMES, last), " "),
            "email": pc.binary_join_element_wise(pc.utf8_lower(tutor_ids), pa.scalar("@tutors.example.org"), ""),
            "timezone": _named(ZONES, tutors.zone[here]),
            "started_at": times(tutors.started_at[here]),
            "departed_at": times(np.where(departed == STAYS, 0, departed), departed < end),
        },
    )


def _student_table(settings: MarketSettings, student_zone: Ints, present: Ints) -> pa.Table:
    return _table("students", {"student_id": ids("S", present), "timezone": _named(ZONES, student_zone[present])})


def _session_table(sessions: Sessions, pairs: Pairs, starts_at: Ints, scheduled_at: Ints, outcomes: Outcomes) -> pa.Table:
    known = outcomes.known
    reason = np.where(outcomes.first_of_pair, pairs.reason[sessions.pair], -1)
    return _table(
        "sessions",
        {
            "session_id": ids("L", np.arange(starts_at.size)),
            "tutor_id": ids("T", sessions.tutor),
            "student_id": ids("S", sessions.student),
            "booked_at": times(sessions.booked_at),
            "scheduled_at": times(scheduled_at),
            "starts_at": times(starts_at),
            "ends_at": times(starts_at + HOUR),
            "status": _named(outcomes.STATUSES, np.where(known, outcomes.status, 0)),
            "outcome_known_at": times(outcomes.known_at, known),
            "initiated_by": _named(("tutor", "student"), outcomes.cancelled_by, known & (outcomes.cancelled_by >= 0)),
            "late_minutes": pa.array(outcomes.late_minutes, mask=~outcomes.held),
            "duration_minutes": pa.array(outcomes.duration_minutes, mask=~outcomes.held),
            "rating": pa.array(outcomes.rating, mask=~(outcomes.held & (outcomes.rating > 0))),
            "attributes.subject": _named(SUBJECTS, pairs.subject[sessions.pair]),
            "attributes.replacement_reason": _named(REPLACEMENT_REASONS, reason),
        },
    )


def _reschedule_table(sessions: Sessions, moves: Reschedules, reasons: Ints, rng: np.random.Generator) -> pa.Table:
    codes = tuple(str(r) for r in texts.REASONS)
    coded = (rng.random(reasons.size) < texts.CODED_SHARE) & (reasons != texts.REASONS.index(ReasonCode.UNCLEAR))
    return _table(
        "reschedules",
        {
            "reschedule_id": ids("R", np.arange(reasons.size)),
            "session_id": ids("L", moves.session),
            "tutor_id": ids("T", sessions.tutor[moves.session]),
            "initiator": _named(("student", "tutor"), moves.by_tutor.astype(np.int64)),
            "requested_at": times(moves.requested_at),
            "old_starts_at": times(moves.old_starts_at),
            "new_starts_at": times(moves.new_starts_at),
            "reason_text": texts.reason_texts(reasons, rng),
            "reason_code": _named(codes, reasons, coded),
        },
    )


def _message_table(messages: Messages) -> pa.Table:
    senders = ("tutor", "student", "platform")
    return _table(
        "messages",
        {
            "message_id": ids("M", np.arange(messages.tutor.size)),
            "tutor_id": ids("T", messages.tutor),
            "student_id": ids("S", messages.student),
            "sent_at": times(messages.sent_at),
            "sender": _named(senders, messages.sender),
            "recipient": _named(senders, np.where(messages.sender == 0, 1, 0)),
        },
    )


def _transcript_table(
    settings: MarketSettings, tutors: Tutors, sessions: Sessions, outcomes: Outcomes, table: pa.Table, rng: np.random.Generator
) -> tuple[pa.Table, tuple[pa.Array, NDArray[np.float64]]]:
    """Transcripts of first sessions and of one in fifty others, with the hidden quality of each."""
    known_at = outcomes.known_at + HOUR // 6
    some = outcomes.held & (outcomes.first_of_pair | (rng.random(known_at.size) < 0.02))
    rows = np.flatnonzero(some & (known_at < microseconds(settings.end)))
    quality = outcomes.quality[rows]
    session_ids = table["session_id"].take(pa.array(rows)).combine_chunks()
    columns = {"session_id": session_ids, "known_at": times(known_at[rows]), "text": texts.transcripts(quality, rng)}
    return _table("transcripts", columns), (session_ids, quality)
