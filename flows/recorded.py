"""Recording of flow runs: start, end and outcome."""

import logging
import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect.context import FlowRunContext

from domain.errors import DatabaseUnavailable, TutorQualityError
from domain.schedules import RunOutcome
from gateways.clock import utc_now
from jobs.runtime import open_runtime
from store.db.engine import Engine
from store.operations.schedules import end_run, start_run

P = ParamSpec("P")
R = TypeVar("R")


def recorded(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate the function of a flow, below `@flow`: each run writes a row when it starts and when it ends.

    The row of a run that was killed keeps no end. Raises what the function raises, and DatabaseUnavailable if the
    start cannot be recorded.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with open_runtime(os.environ) as runtime:
            row = start_run(runtime.engine, function.__name__, is_scheduled(), utc_now())
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                _end(runtime.engine, row, RunOutcome.FAILED, in_words(error))
                raise
            except BaseException as error:
                _end(runtime.engine, row, RunOutcome.STOPPED, f"stopped by {type(error).__name__}")
                raise
            _end(runtime.engine, row, RunOutcome.COMPLETED, None)
            return result

    return run


def is_scheduled() -> bool:
    """Return whether Prefect's scheduler started the current run, rather than a person, a test or the demo."""
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.auto_scheduled)


def in_words(error: Exception) -> str:
    """Message of a project error; of any other error only its type, as its message may contain personal data."""
    return str(error) if isinstance(error, TutorQualityError) else f"{type(error).__name__}; see the log of the run"


def _end(engine: Engine, row: int, outcome: RunOutcome, error: str | None) -> None:
    """Record the end. If the database is unavailable, the run looks killed, and an error is logged."""
    try:
        end_run(engine, row, outcome, error, utc_now())
    except DatabaseUnavailable as trouble:
        logging.getLogger("tutor_quality.flows").error("the end of the run could not be recorded: %s", trouble)
