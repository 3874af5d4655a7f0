"""Estimation of priors from a history, by the method of moments."""

from collections.abc import Mapping, Sequence
from math import fsum

import numpy as np

from domain.vocabulary import ReasonCode
from features.as_of import evidence
from features.as_of.past import Past
from features.as_of.priors import Prior, Priors
from features.as_of.queries import of_tutors
from features.base.array_types import Column
from features.base.stream import Stream, StreamView
from features.history.history import History

PriorCounts = Mapping[str, tuple[Column, ...]]
"""Counts from which each prior is estimated, by name of the prior: (owners,) each."""


def estimate_priors(history: History, before: int) -> Priors:
    """Estimate the priors from the events known before a moment (UTC microseconds)."""
    return priors_of([prior_counts(history, before)])


def prior_counts(history: History, before: int) -> PriorCounts:
    """Counts behind the priors, from the events known before a moment (UTC microseconds)."""
    counts = {name: _missed(stream, before) for name, stream in _streams(history).items()}
    # A prior is estimated from the same counts that its feature divides.
    past = Past(history, of_tutors(np.arange(history.n_tutors), before), Priors.all_equal(_NONE))
    counts |= {name: evidence(past) for name, evidence in _OF_TUTORS.items()}
    return counts | {"late_minutes": _late_minutes(past)}


def priors_of(parts: Sequence[PriorCounts]) -> Priors:
    """Estimate the priors from the counts of all parts of a marketplace.

    The result does not depend on the division into parts, to the last bit.
    """
    pooled = {name: [np.concatenate(c) for c in zip(*(p[name] for p in parts), strict=True)] for name in parts[0]}
    late_minutes = fit_mean(*pooled.pop("late_minutes"))
    return Priors(**{name: fit_prior(*counts) for name, counts in pooled.items()}, late_minutes=late_minutes)


def _streams(history: History) -> dict[str, Stream]:
    return {
        "slot_no_show": history.slot_outcomes,
        "weekday_no_show": history.weekday_outcomes,
        "part_no_show": history.part_outcomes,
        "pair_no_show": history.pair_outcomes,
    }


def _missed(stream: Stream, before: int) -> tuple[Column, Column]:
    owners = np.arange(stream.starts.size - 1)
    view = StreamView(stream, owners, np.full(owners.size, before))
    return view.total("missed"), view.count()


_NONE = Prior(rate=0.0, strength=1.0)
_OF_TUTORS: dict[str, evidence.Evidence] = {
    "no_show": evidence.missed_sessions(lambda past: past.outcomes),
    "last_minute": evidence.late_cancellations("last_minute_cancelled"),
    "very_last_minute": evidence.late_cancellations("very_last_minute_cancelled"),
    "reschedule": evidence.reschedules("by_tutor"),
    "student_reschedule": evidence.reschedules("by_student"),
    "short_notice": evidence.short_notice(),
    "late": evidence.late(),
    "led_nowhere": evidence.led_nowhere,
} | {f"reason_{code}": evidence.reason(code) for code in ReasonCode}


def fit_prior(events: Column, sessions: Column) -> Prior:
    """Prior of a rate: method of moments for a beta-binomial with unequal sample sizes (Kleinman 1973, JASA 68:46).

    The strength is limited to 1..1000 sessions, because the moments of few owners vary widely.
    """
    observed = sessions > 0
    x, n = events[observed], sessions[observed]
    total = n.sum()
    if not total:
        return _NONE
    rate = float(x.sum() / total)
    spread = fsum((x / n - rate) ** 2 * n)  # fsum rounds once, so the order of the owners does not matter
    within = rate * (1 - rate)
    between = (spread - within * (x.size - 1)) / max(total - (n**2).sum() / total, 1e-9)
    return _prior(rate, within - between, between)


def fit_mean(sums: Column, squares: Column, sessions: Column) -> Prior:
    """Prior of a mean: one-way random effects with unequal sample sizes (Searle 1971, Linear Models, ch. 11).

    Takes the sum, the sum of squares and the number of measurements of each owner: (owners,) each. The strength is
    limited as in `fit_prior`.
    """
    observed = sessions > 0
    x, xx, n = sums[observed], squares[observed], sessions[observed]
    total, owners = n.sum(), n.size
    if not total:
        return _NONE
    mean = float(x.sum() / total)
    within = fsum(xx - x**2 / n) / max(total - owners, 1)
    spread = fsum((x / n - mean) ** 2 * n)
    between = (spread - within * (owners - 1)) / max(total - (n**2).sum() / total, 1e-9)
    return _prior(mean, within, between)


def _prior(rate: float, within: float, between: float) -> Prior:
    return Prior(rate=rate, strength=limited(within, between))


def limited(within: float, between: float) -> float:
    """Strength of a prior from the variances within and between owners, limited to 1..1000 sessions."""
    return float(np.clip(within / between if between > 0 else 1000.0, 1, 1000))


def _late_minutes(past: Past) -> tuple[Column, ...]:
    return tuple(past.outcomes.total(name) for name in ("late_minutes", "late_minutes_squared", "timed_start"))
