"""`tqs erase`: permanent erasure of a tutor or student."""

import os
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from cli.operator import operator
from cli.printing import AsJson, print_json, shown


class PersonKind(StrEnum):
    """Kinds of people that can be erased."""

    TUTOR = "tutor"
    STUDENT = "student"


def erase(
    kind: Annotated[PersonKind, typer.Argument(help="Whether the id is a tutor's or a student's.")],
    subject_id: Annotated[str, typer.Argument(help="The id.", metavar="ID")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a tutor or student: name, text and id are deleted, outcomes are kept under a random id. Irreversible."""
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.db.engine import writing
    from store.facts.erasure import Person
    from store.facts.erasure import erase as erase_people
    from store.facts.lock import hold_facts

    if not yes:
        typer.confirm(f"Erase {kind} {shown(subject_id)}? This cannot be undone.", abort=True, err=True)
    now = utc_now()
    with open_runtime(os.environ) as runtime, writing(runtime.engine) as connection:
        hold_facts(connection)
        (erased,) = erase_people(connection, [Person(kind.value, subject_id, now)], operator(), now)
    if as_json:
        print_json(asdict(erased))
    else:
        print(f"{kind} erased; {erased.sessions} sessions are kept under {erased.subject_id}")
