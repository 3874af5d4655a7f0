"""Shared values and outcomes for tests of contacts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

from domain.interventions import Arm, PlannedContact
from insights.contacts.effect import OutcomeColumns

DAY = date(2026, 3, 30)
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
TOMORROW = datetime(2026, 3, 30, 15, tzinfo=UTC)


def arms_of(planned: Sequence[PlannedContact]) -> dict[str, Arm]:
    return {contact.tutor_id: contact.arm for contact in planned}


def sampled(tutors: int, reduction: float, action: str = "Call", seed: int = 0, missed: float = 0.15) -> OutcomeColumns:
    """Outcomes of tutors with 6 listed sessions each; contact with a random half prevents a share of no-shows."""
    rng = np.random.default_rng(seed)
    contacted = np.repeat(rng.random(tutors) < 0.5, 6)
    risk = np.clip(np.repeat(rng.gamma(1.5, missed / 1.5, tutors), 6), 0, 0.9)
    happens = rng.random(risk.size) < risk * (1 - reduction * contacted)
    codes = np.repeat(np.arange(tutors), 6)
    return OutcomeColumns(codes, codes, contacted, risk, happens, np.full(risk.size, action))
