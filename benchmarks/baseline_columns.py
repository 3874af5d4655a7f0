"""Facts that the baselines of both libraries compute with."""

from collections.abc import Mapping

from domain.horizons import DELIVERED as DELIVERED_STATUSES
from domain.vocabulary import ReasonCode
from features.as_of.priors import Prior, Priors

DELIVERED = tuple(str(status) for status in DELIVERED_STATUSES)
REASONS = tuple(str(code) for code in ReasonCode)
MOVED = ("by_tutor", "by_student", "noticed", "notice", "short_notice", "reasoned", *REASONS)
"""Values of a reschedule that have running totals."""


def missed_rates(priors: Priors) -> Mapping[str, tuple[Prior, str]]:
    """Prior and owner of each rate of missed sessions that is not the tutor's."""
    return {
        "own_slot_no_show_rate": (priors.slot_no_show, "slot"),
        "own_weekday_no_show_rate": (priors.weekday_no_show, "own_weekday"),
        "own_part_of_day_no_show_rate": (priors.part_no_show, "own_part"),
        "pair_no_show_rate": (priors.pair_no_show, "pair"),
    }


def reason_shares(priors: Priors) -> Mapping[str, tuple[Prior, str]]:
    """Prior and reason of each share of reschedules made for a reason."""
    named = {code: f"reason_{code}" for code in REASONS if f"reason_{code}" in Priors.model_fields}
    return {f"{code}_share_90d": (getattr(priors, name), code) for code, name in named.items()}
