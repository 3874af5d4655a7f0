from datetime import UTC, datetime

import pytest

from domain.schedules import CRONS, RunOutcome
from flows.schedules import scheduled_flows
from gateways.crons import next_due

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_every_schedule_has_a_flow_and_every_scheduled_flow_a_schedule() -> None:
    assert [scheduled.flow.name for scheduled in scheduled_flows()] == list(CRONS)


@pytest.mark.parametrize("flow", CRONS)
def test_a_schedule_is_a_cron_expression(flow: str) -> None:
    assert next_due(CRONS[flow], NOW) > NOW


def test_a_run_that_was_killed_has_no_outcome_of_its_own() -> None:
    assert {outcome.value for outcome in RunOutcome} == {"completed", "failed", "stopped"}
