"""Which route asks for what: the one list that the guard decides by. A route that is not in it answers nobody."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from domain.errors import UnknownCaller
from domain.policy import Permission, Principal


@dataclass(frozen=True)
class Open:
    """Anybody may ask, as often as they like: probes, which say nothing of anybody."""


@dataclass(frozen=True)
class Known:
    """Anybody with a key may ask, whatever their role: what is about nobody."""


@dataclass(frozen=True)
class Signed:
    """The body proves who sends it, and the route looks at the proof; tries are counted by address."""


Rule = Permission | Open | Known | Signed

WEBSOCKET = "WEBSOCKET"
"""Stands for the method of a route that is a WebSocket."""

TOKEN_PATH = "/api/oauth/token"
ADMIN_PREFIX = "/api/admin/"

PERMISSIONS: Mapping[tuple[str, str], Rule] = MappingProxyType(
    {
        # Probes, ours and BentoML's: a load balancer has no key.
        ("GET", "/api/health"): Open(),
        ("GET", "/api/ready"): Open(),
        ("GET", "/livez"): Open(),
        ("GET", "/healthz"): Open(),
        ("GET", "/readyz"): Open(),
        # BentoML's own. Behind a proxy every caller comes from loopback, so loopback proves nothing.
        ("GET", "/metrics"): Permission.ADMIN,
        ("GET", "/schema.json"): Permission.ADMIN,
        ("GET", "/api/openapi.json"): Known(),
        # Keys, tokens and what was done with them.
        ("POST", TOKEN_PATH): Signed(),
        ("POST", "/api/admin/keys"): Permission.ADMIN,
        ("GET", "/api/admin/keys"): Permission.ADMIN,
        ("DELETE", "/api/admin/keys/{key_id}"): Permission.ADMIN,
        ("GET", "/api/admin/audit"): Permission.ADMIN,
        ("GET", "/api/admin/inbox"): Permission.ADMIN,
        ("POST", "/api/admin/inbox/{row}/retry"): Permission.ADMIN,
        ("POST", "/api/admin/inbox/retry_parked"): Permission.ADMIN,
        # Events.
        ("POST", "/api/sessions"): Signed(),
        ("POST", "/api/sessions/batch"): Signed(),
        ("POST", "/api/sessions/reconcile"): Permission.EVENTS_SEND,
        # Scores.
        ("GET", "/api/tutors"): Permission.SCORES_READ,
        ("GET", "/api/tutors/{tutor_id}/recommendations"): Permission.SCORES_READ,
        ("GET", "/api/sessions/upcoming"): Permission.SCORES_READ,
        ("GET", "/api/tutors/{tutor_id}/scores"): Permission.SCORES_READ,
        # Transcripts.
        ("POST", "/api/quality/sessions"): Permission.QUALITY_SEND,
        ("GET", "/api/quality/sessions/{request_id}"): Permission.QUALITY_SEND,
        # Changes of scores, and what Rails is told of them.
        ("GET", "/api/changes"): Permission.SCORES_READ,
        ("GET", "/api/changes/stream"): Permission.SCORES_READ,
        (WEBSOCKET, "/api/changes/ws"): Permission.SCORES_READ,
        ("GET", "/api/tutors/{tutor_id}/changes"): Permission.SCORES_READ,
        ("GET", "/api/tutors/{tutor_id}/changes/stream"): Permission.SCORES_READ,
        (WEBSOCKET, "/api/tutors/{tutor_id}/changes/ws"): Permission.SCORES_READ,
        ("GET", "/api/admin/webhooks"): Permission.ADMIN,
        ("GET", "/api/admin/webhooks/{number}"): Permission.ADMIN,
        ("POST", "/api/admin/webhooks/{number}/replay"): Permission.ADMIN,
        ("POST", "/api/admin/webhooks/replay_failed"): Permission.ADMIN,
        # Predictions.
        ("POST", "/api/predict/no_show"): Permission.PREDICTIONS_MAKE,
        ("POST", "/api/predict/churn"): Permission.PREDICTIONS_MAKE,
    }
)
"""Method and path template of every route, and what it asks for.

Add a line for each route of yours. `{tutor_id}` in the path is the tutor it is about: a tutor's own key opens that
one. The guard writes an audit row with every answer of a SCORES_READ route and of `/api/admin`, about the first
parameter in the path; where the tutors stand in the body or in the answer, the route names them with `about`, and the
row is written for any route.
"""

OPEN_PATHS = frozenset(path for (_, path), rule in PERMISSIONS.items() if isinstance(rule, Open))


@dataclass(frozen=True)
class Place:
    """Where a request goes: the rule, None for a path that is not in the list, and what stands in the path."""

    method: str
    template: str
    rule: Rule | None
    parameters: Mapping[str, str]

    @property
    def tutor_id(self) -> str | None:
        """The one tutor it is about, None for more than one."""
        return self.parameters.get("tutor_id")

    @property
    def is_audited(self) -> bool:
        """Whether an answer leaves a row even where the route names nobody."""
        if self.rule is Permission.ADMIN:
            return self.template.startswith(ADMIN_PREFIX)
        return self.rule is Permission.SCORES_READ


def place(method: str, path: str) -> Place:
    """Where a request goes. A fixed path goes before one with parameters, as the routes are declared."""
    method = "GET" if method == "HEAD" else method
    rule = PERMISSIONS.get((method, path))
    if rule is not None and "{" not in path:
        return Place(method, path, rule, {})
    for template, pattern in _patterns(method):
        found = pattern.fullmatch(path)
        if found:
            return Place(method, template, PERMISSIONS[method, template], found.groupdict())
    return Place(method, path, None, {})


def methods_of(path: str) -> list[str]:
    """The methods of HTTP that are possible at a path, none for a wrong address or that of a WebSocket."""
    methods = {method for method, _ in PERMISSIONS} - {WEBSOCKET}
    return sorted(method for method in methods if place(method, path).rule is not None)


@cache
def _patterns(method: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    templates = (path for of, path in PERMISSIONS if of == method and "{" in path)
    return tuple((path, re.compile(_pattern(path))) for path in templates)


def _pattern(template: str) -> str:
    pieces = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{piece}>[^/]+)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


def about(connection: HTTPConnection, subjects: Iterable[str]) -> None:
    """Name the tutors (or keys, deliveries …) that the answer is about; each gets a row in the audit before it goes."""
    connection.scope["state"].setdefault("subjects", []).extend(subjects)


def written_down(connection: HTTPConnection) -> None:
    """Say that the act wrote its own row in the audit, in the same transaction."""
    connection.scope["state"]["written_down"] = True


async def _caller(connection: HTTPConnection) -> Principal:
    found: Principal | None = connection.scope["state"].get("principal")
    if found is None:
        raise UnknownCaller("this route was reached without a key")
    return found


Caller = Annotated[Principal, Depends(_caller)]
"""Who asks, as a route's argument. That they may was decided before the route was reached."""
