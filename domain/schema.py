"""Schema of the six kinds of record in a dataset: fields, rules and references.

Files, Arrow tables and PostgreSQL all follow this schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.rules import ADDRESS_ID, FREE_TEXT, ID, MINUTES, NAME, RATING, REASON, Range, TextRule
from domain.vocabulary import Party, ReasonCode, SessionStatus

Choices = type[StrEnum]


class FieldType(StrEnum):
    """Storage type of a field: text as strings, times as UTC microseconds, numbers as doubles."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    CHOICE = "choice"


@dataclass(frozen=True)
class Field:
    """One field of a kind, with its rule: `within` for a number, `rule` for a text, `zone` for a time zone.

    `late` marks a field that is known only after the outcome and must never be a feature as it is.
    """

    name: str
    type: FieldType
    meaning: str
    required: bool = False
    choices: Choices | None = None
    refers_to: str | None = None
    default: str | None = None
    late: bool = False
    within: Range | None = None
    rule: TextRule | None = None
    zone: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of record: key, fields, and pairs of times that must be in order (equal allowed)."""

    name: str
    key: str
    fields: tuple[Field, ...]
    ordered: tuple[tuple[str, str], ...] = ()

    def field(self, name: str) -> Field:
        """The field with that name. Raises KeyError for an unknown name."""
        return {field.name: field for field in self.fields}[name]


def _text(name: str, meaning: str, rule: TextRule, **more: object) -> Field:
    return Field(name, FieldType.TEXT, meaning, rule=rule, **more)  # type: ignore[arg-type]


def _zone(meaning: str) -> Field:
    return Field("timezone", FieldType.TEXT, meaning, default="UTC", zone=True)


def _time(name: str, meaning: str, **more: object) -> Field:
    return Field(name, FieldType.TIME, meaning, **more)  # type: ignore[arg-type]


def _number(name: str, meaning: str, within: Range, **more: object) -> Field:
    return Field(name, FieldType.NUMBER, meaning, within=within, **more)  # type: ignore[arg-type]


def _choice(name: str, meaning: str, choices: Choices, **more: object) -> Field:
    return Field(name, FieldType.CHOICE, meaning, choices=choices, **more)  # type: ignore[arg-type]


TUTORS = Kind(
    "tutors",
    "tutor_id",
    (
        _text("tutor_id", "identifier of the tutor", ADDRESS_ID, required=True),
        _text("name", "name shown to admins", NAME),
        _text("email", "address for the tutor's own mail", NAME),
        _zone("IANA time zone the tutor lives in"),
        _time("started_at", "when the tutor joined"),
        _time("departed_at", "when the tutor left, if so", late=True),
    ),
    ordered=(("started_at", "departed_at"),),
)

STUDENTS = Kind(
    "students",
    "student_id",
    (
        _text("student_id", "identifier of the student", ID, required=True),
        _zone("IANA time zone the student lives in"),
        _time("started_at", "when the student joined"),
    ),
)

SESSIONS = Kind(
    "sessions",
    "session_id",
    (
        _text("session_id", "identifier of the session", ID, required=True),
        _text("tutor_id", "the tutor who gives it", ADDRESS_ID, required=True, refers_to="tutors"),
        _text("student_id", "the student who takes it", ID, refers_to="students"),
        _time("booked_at", "when it was first booked", required=True),
        _time("scheduled_at", "when its present start became known: the booking or the last reschedule"),
        _time("starts_at", "when it starts, as last scheduled", required=True),
        _time("ends_at", "scheduled end"),
        _choice("status", "status of the session", SessionStatus, required=True),
        _time("outcome_known_at", "when it became known that the status was no longer `booked`", late=True),
        _choice("initiated_by", "who cancelled, for a cancelled session", Party, late=True),
        _number("late_minutes", "minutes the tutor came late", MINUTES, late=True),
        _number("duration_minutes", "minutes the session took", MINUTES, late=True),
        _number("rating", "the student's rating, 1 to 5", RATING, late=True),
    ),
    ordered=(("booked_at", "scheduled_at"), ("starts_at", "ends_at")),
)

RESCHEDULES = Kind(
    "reschedules",
    "reschedule_id",
    (
        _text("reschedule_id", "identifier of the reschedule", ID, required=True),
        _text("session_id", "the session that was moved", ID, required=True, refers_to="sessions"),
        _text("tutor_id", "the tutor of that session", ADDRESS_ID, required=True, refers_to="tutors"),
        _choice("initiator", "who requested it", Party, required=True),
        _time("requested_at", "when it was requested, and known", required=True),
        _time("old_starts_at", "the start before", required=True),
        _time("new_starts_at", "the start after", required=True),
        _text("reason_text", "the reason as written", REASON),
        _choice("reason_code", "the reason's class, where one was chosen", ReasonCode),
    ),
)

MESSAGES = Kind(
    "messages",
    "message_id",
    (
        _text("message_id", "identifier of the message", ID, required=True),
        _text("tutor_id", "the tutor who wrote or received it", ADDRESS_ID, required=True, refers_to="tutors"),
        _text("student_id", "the student who wrote or received it", ID, refers_to="students"),
        _time("sent_at", "when it was sent, and known", required=True),
        _choice("sender", "who wrote it", Party, required=True),
        _choice("recipient", "who received it", Party, required=True),
    ),
)

TRANSCRIPTS = Kind(
    "transcripts",
    "session_id",
    (
        _text("session_id", "the session it was taken from", ID, required=True, refers_to="sessions"),
        _time("known_at", "when it became available", required=True),
        _text("text", "one turn per line, `tutor: …` or `student: …`", FREE_TEXT, required=True),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (TUTORS, STUDENTS, SESSIONS, RESCHEDULES, MESSAGES, TRANSCRIPTS)}
)
"""All kinds in load order: a referenced kind comes before the kinds that refer to it."""
