"""Who may do what: one rule, asked by the API and by the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.errors import Forbidden


class Permission(StrEnum):
    """What can be allowed, also as a scope of a key.

    events_send: hand in events and daily counts. scores_read: scores, reasons and recommendations of tutors.
    predictions_make: ask for a prediction. quality_send: hand in transcripts and read what came of them.
    admin: keys, failed deliveries, parked events, metrics.
    """

    EVENTS_SEND = "events:send"
    SCORES_READ = "scores:read"
    PREDICTIONS_MAKE = "predictions:make"
    QUALITY_SEND = "quality:send"
    ADMIN = "admin"


class Role(StrEnum):
    """Who a caller is. A tutor sees nobody but themself."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"
    TUTOR = "tutor"


ALLOWED: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.INGEST: frozenset({Permission.EVENTS_SEND, Permission.QUALITY_SEND}),
        Role.READ: frozenset({Permission.SCORES_READ, Permission.PREDICTIONS_MAKE}),
        Role.ADMIN: frozenset(Permission),
        Role.TUTOR: frozenset({Permission.SCORES_READ}),
    }
)
"""What a role may do at most; the scopes of a key narrow it."""


@dataclass(frozen=True)
class Principal:
    """Somebody who is known: a key, a token made from one, or a visitor of the dashboard.

    `scopes` is None where all that the role may do is allowed; `tutor_id` is set for the role `tutor` alone.
    """

    id: str
    role: Role
    scopes: frozenset[Permission] | None = None
    tutor_id: str | None = None


def can(principal: Principal, permission: Permission, tutor_id: str | None = None) -> bool:
    """Whether the principal may do this; `tutor_id` names the one tutor it is about, None means more than one."""
    if permission not in ALLOWED[principal.role]:
        return False
    if principal.scopes is not None and permission not in principal.scopes:
        return False
    return principal.role is not Role.TUTOR or (tutor_id is not None and tutor_id == principal.tutor_id)


def check(principal: Principal, permission: Permission, tutor_id: str | None = None) -> None:
    """Return if the principal may do this. Raises Forbidden saying what is missing."""
    if can(principal, permission, tutor_id):
        return
    if can(principal, permission, principal.tutor_id):
        raise Forbidden("a tutor sees nobody but themself")
    raise Forbidden(f"this needs {permission.value}, which {principal.role.value} {principal.id} has not")
