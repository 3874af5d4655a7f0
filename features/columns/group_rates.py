"""No-show rates of a group's sessions: columns that a dataset adds to the features."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from features.as_of.group_priors import RECENT_DAYS, GroupPriors
from features.as_of.past import Past
from features.base.array_types import Column
from features.base.dataset import Group
from features.base.stream import StreamView


@dataclass(frozen=True)
class GroupRate:
    """One rate of a group: the days it covers (None for all), the end of its column's name, and its words."""

    days: int | None
    suffix: str
    when: str


RATES = (
    GroupRate(None, "", "so far"),
    GroupRate(RECENT_DAYS, f"_{RECENT_DAYS}d", f"in the last {RECENT_DAYS} days"),
    GroupRate(1, "_1d", "on the day before"),
)
"""Rates of each group, in the order of their columns."""


def column_names(group: Group) -> tuple[str, ...]:
    """Names of a group's columns: `origin_group_no_show_rate_30d`, `tutor_region_group_no_show_rate_30d`."""
    of_tutor = "tutor_" if group.kind == "tutors" else ""
    return tuple(f"{of_tutor}{group.name}_group_no_show_rate{rate.suffix}" for rate in RATES)


def group_rates(group: Group, priors: GroupPriors, past: Past) -> list[Column]:
    """Rates of the group's value of each query's session, (queries,) each; NaN where the session has no value.

    The rate so far is shrunk toward the group's mean, the recent one toward that, and that of the day before toward the
    recent one.
    """
    view = past.group_days(group)
    missing = np.asarray(pc.is_null(past.history.group_values(group, past.session)))
    rates = [priors.rate.shrink(*missed_and_labelled(view, None))]
    for rate, strength in zip(RATES[1:], (priors.recent_strength, priors.day_strength), strict=True):
        missed, labelled = missed_and_labelled(view, rate.days)
        rates.append((missed + strength * rates[-1]) / (labelled + strength))
    return [np.where(missing, np.nan, values) for values in rates]


def missed_and_labelled(view: StreamView, days: int | None) -> tuple[Column, Column]:
    """No-shows, and held or missed sessions, of the whole `days` before each query: (queries,) each."""
    return view.total("missed", days), view.total("labelled", days)
