"""`tqs doctor`: health check of the installation, with advice."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from cli.printing import AsJson, cell, print_json
from cli.steps import console as make_console

if TYPE_CHECKING:
    from rich.console import Console

    from monitoring.findings import Finding

SERVICE_UNAVAILABLE, FAULTY = 5, 8
"""Exit codes: 5, as in all commands, if a service is unavailable; 8 for any other fault. Warnings exit with 0."""

_COLOURS = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def doctor(as_json: AsJson = False) -> None:
    """Check database, schedules, worker, models and services; print faults and remedies. Starts nothing.

    Exit code 0: no fault; 5: a service is unavailable; 8: another fault; 2: a setting is invalid.
    """
    from cli.examination import examine
    from gateways.clock import utc_now
    from gateways.settings import load_settings

    findings = examine(load_settings(os.environ), os.environ, utc_now)
    if as_json:
        print_json({"ok": not code_of(findings), "findings": [asdict(finding) for finding in findings]})
    else:
        print_findings(make_console(), findings)
    raise typer.Exit(code_of(findings))


def code_of(findings: "Sequence[Finding]") -> int:
    """Exit code for the findings."""
    faults = [finding for finding in findings if finding.level == "fault"]
    if any(finding.unavailable for finding in faults):
        return SERVICE_UNAVAILABLE
    return FAULTY if faults else 0


def print_findings(console: "Console", findings: "Sequence[Finding]") -> None:
    """Print findings as a table and their counts in a sentence."""
    from rich.table import Table

    table = Table(title="Health check", title_justify="left", expand=True)
    for name in ("Check", "Result"):
        table.add_column(name, no_wrap=True)
    table.add_column("State", ratio=3)
    table.add_column("What to do", ratio=2)
    for one in findings:
        level = cell((one.level, _COLOURS[one.level]))
        table.add_row(cell(one.check), level, cell(one.what), cell(one.advice))
    console.print(table)
    counts = {level: sum(finding.level == level for finding in findings) for level in _COLOURS}
    console.print(f"{counts['fault']} faults, {counts['warning']} warnings, {counts['ok']} ok.", highlight=False)
