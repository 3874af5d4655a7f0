"""Words for the rates of groups, with the counts behind them."""

from collections.abc import Mapping

import numpy as np

from features.as_of.past import Past
from features.base.array_types import Column
from features.base.dataset import OF_STUDENTS, Group
from features.columns.group_rates import RATES, GroupRate, column_names, missed_and_labelled
from models.artifact.model import Sidecar
from models.explain.shares import one_in

Counts = tuple[Column, Column]


def group_columns(sidecar: Sidecar) -> dict[str, tuple[Group, GroupRate]]:
    """Returns the group and the rate of each column of a model that is a rate of a group."""
    return {
        name: (spec.group, rate)
        for spec in sidecar.groups
        for name, rate in zip(column_names(spec.group), RATES, strict=True)
    }


def group_counts(sidecar: Sidecar, past: Past) -> Mapping[str, Counts]:
    """Returns no-shows and sessions behind each of these columns, for the queries of `past`: (queries,) each."""
    columns = group_columns(sidecar)
    views = {group: past.group_days(group) for group, _ in columns.values()}
    return {name: missed_and_labelled(views[group], rate.days) for name, (group, rate) in columns.items()}


def describe_group(
    group: Group, rate: GroupRate, value: float, typical: float, counts: tuple[float, float] | None
) -> str:
    """Returns a group's rate in words: "4 of 52 sessions with the same origin in the last 30 days were missed".

    `value` is the shrunk rate, NaN where the session has no value of the group; `counts` are no-shows and sessions. The
    value itself is not named, since it may identify somebody.
    """
    noun = "student" if group == OF_STUDENTS else group.name.replace("_", " ")
    if np.isnan(value):
        return f"{noun} is not known"
    which = f"{'of tutors ' if group.kind == 'tutors' else ''}with the same {noun} {rate.when}"
    usual = f"usual: {one_in(typical)}"
    if counts is None:
        return f"{one_in(value)} sessions {which} missed; {usual}"
    missed, sessions = round(counts[0]), round(counts[1])
    if not sessions:
        return f"no sessions {which}"
    plural, were = ("session", "was") if sessions == 1 else ("sessions", "were")
    return f"{missed:,} of {sessions:,} {plural} {which} {were} missed; {usual}"
