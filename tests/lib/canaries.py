"""Canaries: invented personal data planted in every store through every entry point, searched for after erasure."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from domain.interventions import Arm, ContactPlan, ContactStatus, PlannedContact, PlannedSession
from domain.keys import KeyWish
from domain.mail import Attachment, Mail
from domain.policy import Principal, Role
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import AttributeType, ScoreKind, SubjectKind
from features.base.dataset import Attribute, Dataset
from jobs.event_worker import Worker
from store.access.audit import AuditRow, write_rows
from store.access.keys import create_key
from store.contacts.records import record_contact, save_plan
from store.facts.load import load
from store.inbox.accept import keep_unreadable
from store.inbox.transcripts import take_transcript
from store.ledger.shadow import save_shadow_scores
from store.outgoing.mail import enqueue_mail
from store.outgoing.webhooks import announce
from store.scores.records import save_scores
from tests.lib.histories import dataset
from tests.lib.inbox_parts import DAY, HOUR, NOON, event, put

TUTOR, STUDENT = "canary-tutor-zqx", "canary-student-zqx"
"""The people who are erased; `ben` and `s9` stay."""

PAIRS = ((TUTOR, "s9"), ("ben", STUDENT))
NOTES = tuple(Attribute(kind, "note", AttributeType.CATEGORICAL) for kind in ("tutors", "sessions"))
BY = Principal("installation", Role.ADMIN)


@dataclass
class Canaries:
    """Planted canaries by entry point."""

    planted: list[tuple[str, str]] = field(default_factory=lambda: [("id", TUTOR), ("id", STUDENT)])

    def one(self, way: str, form: str) -> str:
        """Plant one canary; `{}` in `form` is replaced by its number."""
        canary = form.format(f"{len(self.planted):04d}zqx")
        self.planted.append((way, canary))
        return canary

    def text(self, way: str) -> str:
        """Plant five canaries in a text: name, mail address, phone number, street and reason."""
        forms = ("Ann {}", "ann.{}@example.org", "+49 30 {}", "{} Street 5", "dentist {}")
        return ", ".join(self.one(way, form) for form in forms)

    def counts(self) -> dict[str, int]:
        """Number of planted canaries by entry point."""
        return dict(Counter(way for way, _ in self.planted))

    def in_text(self, content: str) -> dict[str, int]:
        """Number of canaries that occur in a text, by entry point."""
        binary = "".join(
            bytes.fromhex(digits).decode("latin-1") for digits in re.findall(r"\\\\x((?:[0-9a-f]{2})+)", content)
        )
        return dict(Counter(way for way, canary in self.planted if canary in content or canary in binary))


def imported(canaries: Canaries, way: str = "import") -> Dataset:
    """A dataset about both people with canaries in every text field."""
    rows: dict[str, list[dict[str, Any]]] = {
        "tutors": [
            {"tutor_id": TUTOR, "name": canaries.one(way, "Ann {}"), "email": canaries.one(way, "{}@example.org")}
            | {NOTES[0].column: canaries.text(way)}
        ],
        "students": [{"student_id": STUDENT}],
    }
    rows["tutors"].append({"tutor_id": "ben", "name": "Ben", "email": "ben@example.org"})
    rows["students"].append({"student_id": "s9"})
    rows["sessions"] = [_session(canaries, way, n, *pair) for n, pair in enumerate(PAIRS)]
    rows["reschedules"] = [_reschedule(canaries, way, n, tutor) for n, (tutor, _) in enumerate(PAIRS)]
    rows["messages"] = [
        {"message_id": f"im-{n}", "tutor_id": tutor, "student_id": student, "sent_at": NOON - DAY}
        | {"sender": "tutor", "recipient": "student"}
        for n, (tutor, student) in enumerate(PAIRS)
    ]
    rows["transcripts"] = [
        {"session_id": f"is-{n}", "known_at": NOON - DAY, "text": f"tutor: {canaries.text(way)}"} for n in range(2)
    ]
    return dataset(rows, NOTES)


def _session(canaries: Canaries, way: str, n: int, tutor: str, student: str) -> dict[str, Any]:
    at = NOON - 5 * DAY
    return {
        "session_id": f"is-{n}",
        "tutor_id": tutor,
        "student_id": student,
        "booked_at": at - 2 * DAY,
        "scheduled_at": at - DAY,
        "starts_at": at,
        "status": "completed",
        "outcome_known_at": at + HOUR,
        "rating": 5.0,
        NOTES[1].column: canaries.text(way),
    }


def _reschedule(canaries: Canaries, way: str, n: int, tutor: str) -> dict[str, Any]:
    at = NOON - 5 * DAY
    return {
        "reschedule_id": f"ir-{n}",
        "session_id": f"is-{n}",
        "tutor_id": tutor,
        "initiator": "tutor",
        "requested_at": at - DAY,
        "old_starts_at": at - HOUR,
        "new_starts_at": at,
        "reason_text": f"ill: {canaries.text(way)}",
    }


def events(canaries: Canaries, way: str = "events") -> list[dict[str, Any]]:
    """Events of every type that can contain text, about both people."""
    named = {"name": canaries.one(way, "Ann {}"), "email": canaries.one(way, "{}@example.org")}
    planted = [event("tutor.updated", f"{way}-{TUTOR}", NOON - 2 * DAY, tutor_id=TUTOR, **named)]
    for n, (tutor, student) in enumerate(PAIRS):
        about = {"tutor_id": tutor, "student_id": student, "session_id": f"es-{n}"}
        notes = {"attributes": {"note": canaries.text(way)}}
        moved = {"reason_text": canaries.text(way), "starts_at": NOON + DAY, "ends_at": None}
        held = {"starts_at": NOON - 2 * DAY, "ends_at": None}
        planted += [
            event("session.booked", f"{way}-b{n}", NOON - 3 * DAY, **about, **notes),
            event("session.rescheduled", f"{way}-r{n}", NOON - 2 * DAY, **about, **moved),
            event("session.completed", f"{way}-c{n}", NOON - DAY, **about, **held, **notes),
            event("message.sent", f"{way}-m{n}", NOON, message_id=f"em-{n}", tutor_id=tutor, student_id=student),
            event("transcript.ready", f"{way}-x{n}", NOON, session_id=f"es-{n}", text=canaries.text(way)),
        ]
    return planted


def plant(engine: Engine, canaries: Canaries) -> None:
    """Plant canaries through every entry point and process them."""
    load(engine, imported(canaries))
    put(engine, events(canaries))
    refused = event("tutor.updated", "bad", tutor_id=TUTOR, timezone="No/Where", name=canaries.one("parked", "{}"))
    put(engine, [refused])
    Worker(engine, lambda: NOON).drain()
    put(engine, [event("tutor.updated", "waits", tutor_id=TUTOR, name=canaries.one("waiting", "{}"))])
    with engine.begin() as connection:
        for about in ({"tutorId": TUTOR}, {"student": {"id": STUDENT}}):
            body = {"type": "no.such", "data": about, "said": canaries.text("Rails sync, unreadable")}
            keep_unreadable(connection, body, "the event cannot be read", "rails", NOON)
    for n in range(2):
        take_transcript(engine, f"q-{n}", f"is-{n}", canaries.text("quality requests"), "key", NOON)
    _plant_scores(engine, canaries)
    _plant_people_work(engine, canaries)


def _plant_scores(engine: Engine, canaries: Canaries) -> None:
    subjects = [(SubjectKind.TUTOR, TUTOR, ScoreKind.HELP), (SubjectKind.SESSION, "is-0", ScoreKind.NO_SHOW)]
    subjects.append((SubjectKind.SESSION, "is-1", ScoreKind.NO_SHOW))
    scores = [score(canaries, *subject) for subject in subjects]
    save_scores(engine, scores)
    save_shadow_scores(engine, scores[:1])
    announce(engine, NOON)
    save_scores(engine, [one.model_copy(update={"value": 0.9, "as_of": NOON + HOUR}) for one in scores[:1]])
    announce(engine, NOON + HOUR)


def score(canaries: Canaries, about: SubjectKind, subject_id: str, kind: ScoreKind, way: str = "scores") -> Score:
    """A score with canaries in its reasons."""
    return Score(
        subject_kind=about,
        subject_id=subject_id,
        kind=kind,
        value=0.3,
        low=0.1,
        high=0.9,
        reasons=(Reason(theme="quality", text=canaries.text(way), effect=0.4),),
        what_if=WhatIf(change=canaries.text(way), value=0.1, difference=-0.2),
        action="call",
        model_version="7",
        as_of=NOON,
    )


def _plant_people_work(engine: Engine, canaries: Canaries) -> None:
    """Plant canaries in contact notes, mails, keys and the audit log."""
    planned = PlannedContact(TUTOR, Arm.CONTACT, "call", 1, None, (PlannedSession("is-0", NOON, 0.4),))
    save_plan(engine, ContactPlan(NOON.date(), 5, 0.2, 7, (planned,)), NOON)
    with engine.begin() as connection:
        number = connection.execute(text("SELECT max(id) FROM contacts")).scalar_one()
    record_contact(engine, number, ContactStatus.DONE, "sam", NOON, canaries.text("contacts"))
    body = canaries.text("mails")
    attached = Attachment("list.csv", f"{TUTOR};{canaries.text('mails')}".encode())
    enqueue_mail(engine, Mail("admin@example.org", f"About {TUTOR}", body, attached), "list", "list 1", NOON)
    wish = KeyWish(canaries.one("keys", "{}"), Role.TUTOR, tutor_id=TUTOR)
    create_key(engine, wish, BY, NOON, lambda n: b"k" * n)
    write_rows(engine, [AuditRow(NOON, "key", Role.READ, "GET scores", TUTOR, "r", {"q": canaries.one("audit", "{}")})])


def plant_late(engine: Engine, canaries: Canaries) -> None:
    """Plant data that arrives after the erasure."""
    put(engine, events(canaries, "late events"))
    unreadable = {"type": "tutor.updated", "data": {"tutor_id": TUTOR, "nick": canaries.text("late unreadable")}}
    with engine.begin() as connection:
        keep_unreadable(connection, unreadable, "the event cannot be read", "rails", NOON)
    refused = event("tutor.updated", "b2", tutor_id=TUTOR, timezone="No/Where", name=canaries.one("late parked", "{}"))
    put(engine, [refused])
    take_transcript(engine, "q-late", "is-1", canaries.text("late quality requests"), "key", NOON)
    Worker(engine, lambda: NOON + timedelta(hours=2)).drain()
    load(engine, imported(canaries, "late import"))
    late = score(canaries, SubjectKind.TUTOR, TUTOR, ScoreKind.HELP, "late scores")
    save_scores(engine, [late])
    save_shadow_scores(engine, [late])


def dump(engine: Engine) -> str:
    """Returns every row of every table of the database as text."""
    tables = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    with engine.begin() as connection:
        names = connection.execute(tables).scalars().all()
        contents = {
            name: connection.execute(text(f'SELECT to_jsonb(t) FROM "{name}" AS t')).scalars().all() for name in names
        }
    return json.dumps(contents, ensure_ascii=False)
