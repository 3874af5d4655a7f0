"""State of a request that guard and routes share: the caller and the audit subjects."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from domain.errors import UnknownCaller
from domain.policy import Principal


def set_audit_subjects(connection: HTTPConnection, subjects: Iterable[str]) -> None:
    """Name the tutors (or keys, deliveries …) the response is about; the guard audits each before it is sent."""
    connection.scope["state"].setdefault("subjects", []).extend(subjects)


def mark_audited(connection: HTTPConnection) -> None:
    """Record that the route wrote its own audit row, in the transaction of the change."""
    connection.scope["state"]["is_audited"] = True


async def _caller(connection: HTTPConnection) -> Principal:
    caller: Principal | None = connection.scope["state"].get("principal")
    if caller is None:
        raise UnknownCaller("this route was reached without a key")
    return caller


Caller = Annotated[Principal, Depends(_caller)]
"""The authenticated caller, as a route's argument. The guard has already authorized it."""
