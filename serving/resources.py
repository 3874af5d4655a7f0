"""What the routes work with, opened once when the service starts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from gateways.clock import utc_now
from serving.champions import Champions
from store.database import Engine, make_engine


@dataclass(frozen=True)
class Resources:
    """A pooled engine, the champions in memory, the key that callers must send, and the clock."""

    engine: Engine
    champions: Champions
    api_key: str
    now: Callable[[], datetime]


def open_resources(database_url: str, api_key: str, now: Callable[[], datetime] = utc_now) -> Resources:
    """Resources on a database. Connects to nothing yet: a service may start before its database."""
    engine = make_engine(database_url)
    return Resources(engine, Champions(engine), api_key, now)


def _resources(request: Request) -> Resources:
    found: Resources = request.app.state.resources()
    return found


Given = Annotated[Resources, Depends(_resources)]
"""The resources, as a route's argument."""
