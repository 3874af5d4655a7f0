"""Words for the rates of groups, with the counts behind them."""

from collections.abc import Mapping

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
    """Returns a group's rate: "4 of 52 sessions with the same origin in the last 30 days were missed (usual 1 in 30)".

    Empty where it is the usual one in words. `value` is the shrunk rate; `counts` are no-shows and sessions, not 0. The
    value of the group itself is not named, since it may identify somebody.
    """
    own, usual = one_in(counts[0] / counts[1] if counts else value), one_in(typical)
    if own == usual:
        return ""
    which = f"{'of tutors ' if group.kind == 'tutors' else ''}with the same {noun(group)} {rate.when}"
    if counts is None:
        return f"{own} sessions {which} missed (usual {usual})"
    missed, sessions = (round(number) for number in counts)
    plural, were = ("session", "was") if sessions == 1 else ("sessions", "were")
    return f"{missed:,} of {sessions:,} {plural} {which} {were} missed (usual {usual})"


def noun(group: Group) -> str:
    """Returns the name of a group for people."""
    return "student" if group == OF_STUDENTS else group.name.replace("_", " ")
