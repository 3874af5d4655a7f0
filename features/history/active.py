"""Active tutors, the subjects of scores."""

import numpy as np

from domain.horizons import ACTIVE_WINDOW
from features.base.array_types import Ints
from features.base.arrays import MISSING
from features.base.stream import StreamView
from features.history.history import History


def active_tutors(history: History, as_of: int) -> Ints:
    """Codes of the tutors who delivered a session in the active window and have not departed.

    Uses only what was known before `as_of` (UTC microseconds).
    """
    tutors = np.arange(history.n_tutors)
    recent = StreamView(history.deliveries, tutors, np.full(tutors.size, as_of)).count(ACTIVE_WINDOW.days) > 0
    stays = (history.departed_at == MISSING) | (history.departed_at >= as_of)
    return np.flatnonzero(recent & stays)
