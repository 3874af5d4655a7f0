"""Erasure of tutors and students in one transaction: times and outcomes stay under a random id, text is removed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, text

from domain.policy import Principal
from store.access.audit import AuditRow, add_rows
from store.facts.erasure_sql import NAMED, OF_INBOX, OF_STUDENT, OF_TUTOR, SESSIONS_OF, SHARED

TUTOR, STUDENT, SESSION = "tutor", "student", "session"
"""Kinds of id that have a tombstone."""

PREFIX = "erased-"
"""Prefix of the random id of an erased person."""

ERASED = {"erased": True}
"""Parsed body of an event whose content was erased."""

_PERMIT = text("SELECT set_config('tqs.purpose', :purpose, true)")
_BURY = text("""
    INSERT INTO erased_ids (kind, hash, erased_at)
    SELECT :kind, erasure_hash(:kind, id), :now FROM unnest(CAST(:ids AS text[])) AS id
    ORDER BY 2 ON CONFLICT DO NOTHING
""")
_PLAIN = {
    kind: text(f"""
        SELECT {kind}_id FROM {kind}s
        WHERE EXISTS (SELECT FROM erased_ids)
            AND erasure_hash('{kind}', {kind}_id) IN (SELECT hash FROM erased_ids WHERE kind = '{kind}')
        ORDER BY {kind}_id
    """)
    for kind in (TUTOR, STUDENT)
}
_ERASED_SESSIONS = text("""
    SELECT session_id FROM sessions WHERE tutor_id IN (SELECT tutor_id FROM tutors WHERE erased_at IS NOT NULL)
    UNION SELECT session_id FROM sessions
    WHERE student_id IN (SELECT student_id FROM students WHERE erased_at IS NOT NULL)
""")


@dataclass(frozen=True)
class Person:
    """A tutor or student to erase; `at` becomes the departure of a tutor who has not left yet."""

    kind: str
    id: str
    at: datetime


@dataclass(frozen=True)
class Erased:
    """Result of an erasure: the random id that replaces the person's, and the number of sessions kept under it."""

    kind: str
    subject_id: str
    sessions: int


def permit(connection: Connection, purpose: str) -> None:
    """Permit the transaction to update append-only tables with the purpose `erase`; an empty text revokes it."""
    connection.execute(_PERMIT, {"purpose": purpose})


def erase(connection: Connection, people: Iterable[Person], by: Principal, now: datetime) -> list[Erased]:
    """Erase people from every table in the caller's transaction. An id without a row gets its tombstone only.

    The caller holds the lock of facts. Erasing an id again erases data received under it since.
    """
    permit(connection, "erase")
    erased = [_erase(connection, person, now) for person in people]
    permit(connection, "")
    rows = [AuditRow(now, by.id, by.role, f"{one.kind}.erase", one.subject_id) for one in erased]
    add_rows(connection, rows)
    return erased


def erase_again(connection: Connection, by: Principal) -> list[Erased]:
    """Erase data that an import reintroduced: rows under an erased id, and text of sessions of erased people."""
    now = connection.execute(text("SELECT now()")).scalar_one()
    people = [
        Person(kind, name, now) for kind, plain in _PLAIN.items() for name in connection.execute(plain).scalars().all()
    ]
    erased = erase(connection, people, by, now) if people else []
    sessions = connection.execute(_ERASED_SESSIONS).scalars().all()
    if sessions:
        permit(connection, "erase")
        _run(connection, SHARED, {"sessions": sessions})
        permit(connection, "")
    return erased


def bury(connection: Connection, kind: str, ids: Iterable[str], now: datetime) -> None:
    """Store tombstones of ids."""
    connection.execute(_BURY, {"kind": kind, "ids": sorted(set(ids)), "now": now})


def _erase(connection: Connection, person: Person, now: datetime) -> Erased:
    new = f"{PREFIX}{uuid4().hex}"
    bury(connection, person.kind, [person.id], now)
    sessions = connection.execute(SESSIONS_OF[person.kind], {"old": person.id}).scalars().all()
    names = connection.execute(NAMED[person.kind], {"old": person.id}).scalars().all()
    values = {
        "old": person.id,
        "new": new,
        "now": now,
        "at": person.at,
        "sessions": sessions,
        "names": sorted({person.id, *(name for name in names if name)}),
    }
    _run(connection, OF_INBOX[person.kind], values)
    _run(connection, OF_TUTOR if person.kind == TUTOR else OF_STUDENT, values)
    _run(connection, SHARED, values)
    return Erased(person.kind, new, len(sessions))


def _run(connection: Connection, statements: Iterable[Any], values: dict[str, Any]) -> None:
    for statement in statements:
        wanted = statement.compile().params
        connection.execute(statement, {name: values[name] for name in wanted})
