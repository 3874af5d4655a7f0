"""What the routes work with, opened once when the service starts."""

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
from serving.guard.context import Door, open_door
from serving.guard.memory_counts import MemoryCounts
from serving.guard.rate_limits import Limits, limits_of
from serving.http.group_commit import Grouped, in_thread
from serving.http.streams import Streams
from serving.state.champions import Champions
from serving.state.histories import Histories
from serving.state.score_changes import Hub
from store.db.async_statements import AsyncPool
from store.db.engine import Engine, make_engine
from store.inbox.accept import WEBHOOK, Arrival, Outcome, accept_each

TOKEN_SECRET_FILE = "token_secret"


@dataclass(frozen=True)
class Resources:
    """A pooled engine, the champions in memory, the key that callers must send, and the clock."""

    engine: Engine
    champions: Champions
    api_key: str
    now: Callable[[], datetime]
    limits: Limits = field(default_factory=lambda: Limits(load_settings({}).rate_limit, MemoryCounts()))
    token_secret: str = field(default_factory=secrets.token_urlsafe, repr=False)
    signatures: Signatures = field(default_factory=lambda: Signatures(()))
    streams: Streams = field(default_factory=lambda: Streams(load_settings({}).streams_per_key))

    @cached_property
    def door(self) -> Door:
        """What the guard decides with, opened with the first request."""
        return open_door(self.engine, self.async_pool, self.api_key, self.token_secret, self.limits, self.now)

    @cached_property
    def async_pool(self) -> AsyncPool:
        """Who asks the database from inside the event loop."""
        return AsyncPool(self.engine)

    @cached_property
    def histories(self) -> Histories:
        """What tutors did, for predictions that are computed when asked."""
        return Histories(self.engine)

    @cached_property
    def attribute_types(self) -> AttributeTypes:
        """Types of the attributes of sessions."""
        return AttributeTypes(self.engine)

    @cached_property
    def inbox(self) -> Grouped[Arrival, Outcome]:
        """Where events are kept: those that come while others are written, together."""
        return Grouped(in_thread(lambda arrivals: accept_each(self.engine, arrivals, WEBHOOK, self.now())))

    @cached_property
    def hub(self) -> Hub:
        """Who hears of changes of scores; first asked for inside the event loop."""
        return Hub(self.engine)

    def close(self) -> None:
        """End what runs in the background; whoever comes after opens it again."""
        door: Door | None = self.__dict__.pop("door", None)
        if door is not None:
            door.close()
        pool: AsyncPool | None = self.__dict__.pop("async_pool", None)
        if pool is not None:
            pool.close()
        hub: Hub | None = self.__dict__.pop("hub", None)
        if hub is not None:
            hub.close()


def open_resources(
    database_url: str, api_key: str, settings: Settings, now: Callable[[], datetime] = utc_now
) -> Resources:
    """Resources on a database. Connects to nothing yet: a service may start before its database.

    Raises InvalidSettings.
    """
    engine = make_engine(database_url)
    token_secret = settings.token_secret or kept_secret(settings.data_dir / TOKEN_SECRET_FILE)
    limits = limits_of(settings, engine)
    streams = Streams(settings.streams_per_key)
    return Resources(engine, Champions(engine), api_key, now, limits, token_secret, incoming(settings), streams)


async def _resources(request: Request) -> Resources:  # sync, each request would go through a thread for it
    found: Resources = request.app.state.resources()
    return found


Given = Annotated[Resources, Depends(_resources)]
"""The resources, as a route's argument."""
