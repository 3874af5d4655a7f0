"""Next run of each schedule, printed by the demo."""

from datetime import datetime
from typing import TYPE_CHECKING

from gateways.crons import next_due, read_schedules

if TYPE_CHECKING:
    from rich.console import Console


def print_next_runs(console: "Console", setting: str, now: datetime) -> None:
    """Print the next run of each scheduled flow, soonest first. `setting` is TQS_SCHEDULES."""
    due = sorted((next_due(cron, now), flow) for flow, cron in read_schedules(setting).items())
    runs = ", ".join(f"{flow} {moment:%a %d %b %H:%M}" for moment, flow in due)
    console.print(f"Next scheduled runs (UTC): {runs}", soft_wrap=True, highlight=False)
