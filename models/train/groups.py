"""Choice of the groups whose past a no-show model reads."""

import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import AttributeType
from features.as_of.group_priors import dispersion, estimate_group_priors
from features.base.dataset import OF_STUDENTS, Group
from features.base.stream import MICROSECONDS_A_DAY
from features.history.history import History
from models.artifact.model import GroupSpec

MOST_VALUES = 200
"""Most values of a categorical attribute that is a group without being declared one."""

LEAST_SESSIONS = 50
"""Least finished sessions per value, on average, of such an attribute."""

LEAST_DISPERSION = 4.0
"""Least standard score by which the rates of such an attribute's values differ over time.

Constant differences between values are in the categories of the attribute.
"""


def specify_groups(history: History, before: int) -> tuple[GroupSpec, ...]:
    """The groups that the dataset declares, otherwise categorical attributes with few values and many sessions each
    whose rates change over time.

    Their priors are estimated from the outcomes known before a moment (UTC microseconds).
    """
    declared = history.dataset.histories
    readable = {OF_STUDENTS, *(Group(a.kind, a.name) for a in history.attributes)}
    # An attribute may have been marked late since its history was declared.
    groups = _categorical(history) if declared is None else [group for group in declared if group in readable]
    known = {group: _known(history.group_days(group).counts, before) for group in groups}
    return tuple(
        GroupSpec(kind=group.kind, name=group.name, priors=estimate_group_priors(counts))
        for group, counts in known.items()
        if counts.num_rows and (declared is not None or _is_worth_columns(counts))
    )


def _categorical(history: History) -> list[Group]:
    return [Group(a.kind, a.name) for a in history.attributes if a.type is AttributeType.CATEGORICAL]


def _known(counts: pa.Table, before: int) -> pa.Table:
    return counts.filter(pc.less(counts["day"], before // MICROSECONDS_A_DAY))


def _is_worth_columns(counts: pa.Table) -> bool:
    values, sessions = pc.count_distinct(counts["value"]).as_py(), pc.sum(counts["labelled"]).as_py()
    is_dense = 1 < values <= MOST_VALUES and sessions >= LEAST_SESSIONS * values
    return bool(is_dense and dispersion(counts) >= LEAST_DISPERSION)
