"""Access rules of the routes: declared on each route with `@access`, collected in the table the guard decides by."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.types import Scope

from domain.policy import Permission


@dataclass(frozen=True)
class Open:
    """No authentication and no rate limit: probes, which reveal nothing about anybody."""


@dataclass(frozen=True)
class AnyCaller:
    """Any valid key or token, whatever its role: for what concerns no tutor."""


@dataclass(frozen=True)
class Signed:
    """The body authenticates the sender and the route verifies it; requests are counted by client address."""


Rule = Permission | Open | AnyCaller | Signed

WEBSOCKET = "WEBSOCKET"
"""Used in place of an HTTP method for a route that is a WebSocket."""

ADMIN_PREFIX = "/api/admin/"

JSON = "application/json"


@dataclass(frozen=True)
class Access:
    """Declaration of one route: who may call it, the media type of its body, and examples for the OpenAPI document."""

    rule: Rule
    body_example: Any = field(default=None, compare=False)
    example: Any = field(default=None, compare=False)
    media_type: str = JSON


FRAMEWORK_ROUTES: Mapping[tuple[str, str], Access] = MappingProxyType(
    {
        # Probes of BentoML: a load balancer has no key.
        ("GET", "/livez"): Access(Open()),
        ("GET", "/healthz"): Access(Open()),
        ("GET", "/readyz"): Access(Open()),
        # Behind a proxy every request comes from loopback, so a loopback address proves nothing.
        ("GET", "/metrics"): Access(Permission.ADMIN),
        ("GET", "/schema.json"): Access(Permission.ADMIN),
        # FastAPI adds this route itself.
        ("GET", "/api/openapi.json"): Access(AnyCaller()),
    }
)
"""Access to routes that BentoML and FastAPI add, by method and path. Every other route declares its own."""

_ATTRIBUTE = "declared_access"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def access(
    rule: Rule, *, body_example: Any = None, example: Any = None, media_type: str = JSON
) -> Callable[[Endpoint], Endpoint]:
    """Declare on a route's function who may call the route.

    `{tutor_id}` in the path is the tutor the route is about: a tutor's own key grants access to that one. The guard
    writes an audit row with every response of a SCORES_READ route and of `/api/admin`, about the first parameter of
    the path. Where the tutors are in the body or in the response, the route names them with `set_audit_subjects`, and
    the rows are written whatever the rule.
    """

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, Access(rule, body_example, example, media_type))
        return endpoint

    return declare


@dataclass(frozen=True)
class MatchedRoute:
    """The route of a request: its declared access, None for an unknown path, and the parameters in the path."""

    method: str
    template: str
    access: Access | None
    parameters: Mapping[str, str]

    @property
    def rule(self) -> Rule | None:
        """The access rule, None for an unknown path."""
        return self.access.rule if self.access else None

    @property
    def tutor_id(self) -> str | None:
        """The one tutor the request is about, None for more than one."""
        return self.parameters.get("tutor_id")

    @property
    def media_type(self) -> str:
        """Media type that a body must have."""
        return self.access.media_type if self.access else JSON

    @property
    def is_audited(self) -> bool:
        """Whether a response is audited even where the route names no subject."""
        if self.rule is Permission.ADMIN:
            return self.template.startswith(ADMIN_PREFIX)
        return self.rule is Permission.SCORES_READ


class RouteTable:
    """Declared access of all routes of an app, by method and path template.

    Raises TypeError for a route that declares no access. A route added to the app later is refused by the guard.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.entries: Mapping[tuple[str, str], Access] = MappingProxyType(
            {**FRAMEWORK_ROUTES, **{key: _declared(key, route) for key, route in each_route(app.routes)}}
        )
        self._patterns = [(key, re.compile(_pattern(key[1]))) for key in self.entries if "{" in key[1]]

    def match(self, method: str, path: str) -> MatchedRoute:
        """The route of a request. A fixed path goes before one with parameters, as the routes are declared."""
        method = "GET" if method == "HEAD" else method
        fixed = self.entries.get((method, path))
        if fixed is not None and "{" not in path:
            return MatchedRoute(method, path, fixed, {})
        for key, pattern in self._patterns:
            matched = pattern.fullmatch(path) if key[0] == method else None
            if matched:
                return MatchedRoute(method, key[1], self.entries[key], matched.groupdict())
        return MatchedRoute(method, path, None, {})

    def methods_of(self, path: str) -> list[str]:
        """HTTP methods available at a path; empty for an unknown path or that of a WebSocket."""
        methods = {method for method, _ in self.entries} - {WEBSOCKET}
        return sorted(method for method in methods if self.match(method, path).access is not None)

    def is_routed(self, scope: Scope) -> bool:
        """Whether the app has a route for a request, declared or not."""
        return any(route.matches(scope)[0] is Match.FULL for route in self._app.routes)


def each_route(routes: Iterable[BaseRoute]) -> Iterator[tuple[tuple[str, str], Route | WebSocketRoute]]:
    """Every route with its method and path template, those of included routers too. Raises TypeError for a mount."""
    for route in routes:
        included: APIRouter | None = getattr(route, "original_router", None)
        if included is not None:
            yield from each_route(included.routes)
        elif isinstance(route, Route | WebSocketRoute):
            methods = {WEBSOCKET} if isinstance(route, WebSocketRoute) else route.methods or set()
            yield from (((method, route.path), route) for method in sorted(methods - {"HEAD"}))
        else:
            raise TypeError(f"the guard cannot classify this kind of route: {route}")


def _declared(key: tuple[str, str], route: Route | WebSocketRoute) -> Access:
    declared: Access | None = getattr(route.endpoint, _ATTRIBUTE, None) or FRAMEWORK_ROUTES.get(key)
    if declared is None:
        raise TypeError(f"{' '.join(key)} declares no access: decorate its function with @access(...)")
    return declared


def _pattern(template: str) -> str:
    pieces = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{piece}>[^/]+)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))
