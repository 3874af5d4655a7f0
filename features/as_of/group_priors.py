"""Priors of the rates of a group: between its values, and within a value between months and between days."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from features.as_of.prior_estimation import fit_prior, limited
from features.as_of.priors import NO_PRIOR, Prior
from features.base.array_types import Column, Ints
from features.base.arrays import array, codes

RECENT_DAYS = 30
"""Days that the recent rate of a group covers."""


class GroupPriors(BaseModel):
    """Prior of a value's rate, and the strengths, in sessions, with which recent and daily rates are drawn to it.

    The recent rate is shrunk toward the value's rate so far, that of the day before toward the recent one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Prior = NO_PRIOR
    recent_strength: float = 0.0
    day_strength: float = 0.0


class _Periods(NamedTuple):
    """Counts of periods within owners: codes of the owners, no-shows and sessions, (periods,) each."""

    owner: Ints
    missed: Column
    labelled: Column

    def summed(self) -> "_Periods":
        """Counts of each owner."""
        owners, place = np.unique(self.owner, return_inverse=True)
        return _Periods(owners, *(np.bincount(place, n).astype(np.float64) for n in (self.missed, self.labelled)))

    def rate(self) -> Column:
        """Rate of each period's owner: (periods,)."""
        owners = self.summed()
        return np.asarray((owners.missed / owners.labelled)[np.searchsorted(owners.owner, self.owner)])


def estimate_group_priors(counts: pa.Table) -> GroupPriors:
    """Estimate the priors of a group from its counts of sessions by value and day (`group_days.DAY_COUNTS`)."""
    days, months = _days_and_months(counts)
    return GroupPriors(
        rate=fit_prior(*months.summed()[1:]),
        recent_strength=_strength_within(months),
        day_strength=_strength_within(days),
    )


def dispersion(counts: pa.Table) -> float:
    """Standard score by which the rates of a value differ between days or months more than by chance, the larger one.

    Pearson's chi-square, with the variance that counts of few sessions give it (McCullagh and Nelder 1989, Generalized
    Linear Models, section 4.5).
    """
    return max(_excess(periods) for periods in _days_and_months(counts))


def _days_and_months(counts: pa.Table) -> tuple[_Periods, _Periods]:
    """Days within the months of each value, and months within each value."""
    value = codes(array(counts["value"]).dictionary_encode().indices)
    months = value * _MOST_MONTHS + np.asarray(counts["day"]).astype(np.int64) // RECENT_DAYS
    days = _Periods(months, *(np.asarray(counts[name], np.float64) for name in ("missed", "labelled")))
    monthly = days.summed()
    return days, monthly._replace(owner=monthly.owner // _MOST_MONTHS)


_MOST_MONTHS = 100_000


def _strength_within(periods: _Periods) -> float:
    """Strength of the periods' rates within their owners, in sessions.

    Method of moments as in `fit_prior`, with the deviations from each owner's own rate, pooled.
    """
    n, rate = periods.labelled, periods.rate()
    if not n.size:
        return limited(1.0, 0.0)
    binomial = rate * (1 - rate)
    owner_sessions = periods.summed().labelled[np.unique(periods.owner, return_inverse=True)[1]]
    spread = ((periods.missed / n - rate) ** 2 * n).sum()
    expected = (binomial * (1 - n / owner_sessions)).sum()
    between = (spread - expected) / max((n - n**2 / owner_sessions).sum(), 1e-9)
    within = float((binomial * n).sum() / n.sum())
    return limited(within - between, between)


def _excess(periods: _Periods) -> float:
    rate, n = periods.rate(), periods.labelled
    variance = rate * (1 - rate)
    some = variance > 0
    deviation = (periods.missed - n * rate)[some] ** 2 / (n * variance)[some]
    freedom = some.sum() - np.unique(periods.owner[some]).size
    error = np.sqrt((2 + (1 - 6 * variance[some]) / (n * variance)[some]).sum())
    return float((deviation.sum() - freedom) / max(error, 1e-9))
