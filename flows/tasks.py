"""Tasks of flows, which also run as plain functions when a person runs the flow without a Prefect server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import prefect
from prefect.utilities.annotations import BaseAnnotation

P = ParamSpec("P")
R = TypeVar("R")

_WITHOUT_PREFECT: ContextVar[bool] = ContextVar("_WITHOUT_PREFECT", default=False)


class FlowTask(prefect.Task[P, R]):
    """A Prefect task; a plain call within `without_prefect`, where Prefect would start a server to record it."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]  # Prefect's has overloads
        """Run the task."""
        if not _WITHOUT_PREFECT.get():
            return super().__call__(*args, **kwargs)
        run: Callable[..., R] = self.fn
        return run(*map(_plain, args), **{name: _plain(value) for name, value in kwargs.items()})


def task(**options: Any) -> Callable[[Callable[P, R]], FlowTask[P, R]]:
    """Decorator: a task with Prefect's options (retries, timeouts)."""

    def decorate(function: Callable[P, R]) -> FlowTask[P, R]:
        return FlowTask(function, **options)

    return decorate


@contextmanager
def without_prefect() -> Iterator[None]:
    """Run tasks as plain functions for the length of the block: no server, no retries."""
    token = _WITHOUT_PREFECT.set(True)
    try:
        yield
    finally:
        _WITHOUT_PREFECT.reset(token)


def _plain(value: Any) -> Any:
    return value.unwrap() if isinstance(value, BaseAnnotation) else value
