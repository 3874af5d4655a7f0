"""Resources of the routes, opened once when the service starts."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from gateways.clock import utc_now
from gateways.rails.signatures import Signatures, incoming
from gateways.secret_file import kept_secret
from gateways.settings import Settings, load_settings
from serving.bodies.attribute_types import AttributeTypes
from serving.guard.context import GuardContext, open_guard_context
from serving.guard.memory_counts import MemoryCounts
from serving.guard.rate_limits import Limits, limits_of
from serving.http.group_commit import GroupCommit, in_thread
from serving.http.streams import Streams
from serving.state.champions import Champions
from serving.state.histories import Histories
from serving.state.score_changes import Hub
from store.db.async_statements import AsyncPool
from store.db.engine import Engine, make_engine
from store.inbox.accept import WEBHOOK, Acceptance, Arrival, accept_each

TOKEN_SECRET_FILE = "token_secret"


@dataclass(frozen=True)
class Resources:
    """Engine, champions in memory, installation key, clock and limits; everything else opens on first use."""

    engine: Engine
    champions: Champions
    api_key: str
    now: Callable[[], datetime]
    limits: Limits = field(default_factory=lambda: Limits(load_settings({}).rate_limit, MemoryCounts()))
    token_secret: str = field(default_factory=secrets.token_urlsafe, repr=False)
    signatures: Signatures = field(default_factory=lambda: Signatures(()))
    streams: Streams = field(default_factory=lambda: Streams(load_settings({}).streams_per_key))

    @cached_property
    def guard_context(self) -> GuardContext:
        """Dependencies of the guard, opened with the first request."""
        return open_guard_context(self.engine, self.async_pool, self.api_key, self.token_secret, self.limits, self.now)

    @cached_property
    def async_pool(self) -> AsyncPool:
        """Connections for queries from the event loop."""
        return AsyncPool(self.engine)

    @cached_property
    def histories(self) -> Histories:
        """Histories of tutors, for predictions on request."""
        return Histories(self.engine)

    @cached_property
    def attribute_types(self) -> AttributeTypes:
        """Types of session attributes, for validating events."""
        return AttributeTypes(self.engine)

    @cached_property
    def inbox(self) -> GroupCommit[Arrival, Acceptance]:
        """Inbox for events; those that arrive during a write are committed together."""
        return GroupCommit(in_thread(lambda arrivals: accept_each(self.engine, arrivals, WEBHOOK, self.now())))

    @cached_property
    def hub(self) -> Hub:
        """Fan-out of score changes; must be first accessed inside the event loop."""
        return Hub(self.engine)

    def close(self) -> None:
        """Stop background work and close connections. Later use opens them again."""
        context: GuardContext | None = self.__dict__.pop("guard_context", None)
        if context is not None:
            context.close()
        pool: AsyncPool | None = self.__dict__.pop("async_pool", None)
        if pool is not None:
            pool.close()
        hub: Hub | None = self.__dict__.pop("hub", None)
        if hub is not None:
            hub.close()


def open_resources(
    database_url: str, api_key: str, settings: Settings, now: Callable[[], datetime] = utc_now
) -> Resources:
    """Create the resources of a database. Opens no connection: a service may start before its database.

    Raises InvalidSettings.
    """
    engine = make_engine(database_url)
    token_secret = settings.token_secret or kept_secret(settings.data_dir / TOKEN_SECRET_FILE)
    limits = limits_of(settings, engine)
    streams = Streams(settings.streams_per_key)
    return Resources(engine, Champions(engine), api_key, now, limits, token_secret, incoming(settings), streams)


async def _resources(request: Request) -> Resources:  # async, since a sync dependency costs a thread per request
    resources: Resources = request.app.state.resources()
    return resources


AppResources = Annotated[Resources, Depends(_resources)]
"""The resources, as a route's argument."""
