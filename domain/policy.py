"""Permissions by role: the authorization rule of the API and the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.errors import Forbidden


class Permission(StrEnum):
    """Permissions, also used as scopes of an API key.

    events_send: send events and daily counts. scores_read: read scores, reasons and recommendations of tutors.
    predictions_make: request a prediction. quality_send: send transcripts and read their results.
    admin: keys, failed deliveries, parked events, metrics.
    """

    EVENTS_SEND = "events:send"
    SCORES_READ = "scores:read"
    PREDICTIONS_MAKE = "predictions:make"
    QUALITY_SEND = "quality:send"
    ADMIN = "admin"


class Role(StrEnum):
    """Role of a caller. A tutor has access to their own data only."""

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
"""Most permissions a role can have; the scopes of a key narrow them."""


@dataclass(frozen=True)
class Principal:
    """An authenticated caller: an API key, an access token issued from one, or a dashboard user.

    `scopes` is None where the role is not narrowed; `tutor_id` is set for the role `tutor` only.
    """

    id: str
    role: Role
    scopes: frozenset[Permission] | None = None
    tutor_id: str | None = None


def can(principal: Principal, permission: Permission, tutor_id: str | None = None) -> bool:
    """Whether the principal has the permission for one tutor's data, or for more than one tutor's (`tutor_id` None)."""
    if permission not in ALLOWED[principal.role]:
        return False
    if principal.scopes is not None and permission not in principal.scopes:
        return False
    return principal.role is not Role.TUTOR or (tutor_id is not None and tutor_id == principal.tutor_id)


def check(principal: Principal, permission: Permission, tutor_id: str | None = None) -> None:
    """Check that the principal has the permission. Raises Forbidden naming what is missing."""
    if can(principal, permission, tutor_id):
        return
    if can(principal, permission, principal.tutor_id):
        raise Forbidden("a tutor has access to their own data only")
    raise Forbidden(f"this requires {permission.value}, which {principal.role.value} {principal.id} does not have")
