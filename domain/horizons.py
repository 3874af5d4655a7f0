"""How far ahead we look, and which outcomes count. See docs/adr for the reasons."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from domain.vocabulary import ScoreKind, SessionStatus

NO_SHOW_LEAD = timedelta(hours=24)
"""A session is scored as of this long before its start, or when its start became known, if later."""

UPCOMING = timedelta(hours=48)
"""Booked sessions this near are scored one by one."""

TUTOR_HORIZON = timedelta(days=14)
"""Horizon of the tutor's own no-show risk."""

CHURN_HORIZON = timedelta(days=30)
"""A tutor who leaves within this time has churned."""

CHURN_KINDS: Mapping[int, ScoreKind] = MappingProxyType(
    {7: ScoreKind.CHURN_7D, 14: ScoreKind.CHURN_14D, 30: ScoreKind.CHURN_30D, 90: ScoreKind.CHURN_90D}
)
"""The days within which a tutor may leave, and the score that says so."""

ACTIVE_WINDOW = timedelta(days=30)
"""A tutor is active who delivered a session within this time."""

DELIVERED = frozenset({SessionStatus.COMPLETED, SessionStatus.STUDENT_NO_SHOW})
"""Statuses of a session the tutor kept."""

HELD_OR_MISSED = DELIVERED | {SessionStatus.NO_SHOW}
"""Statuses that make a label: a cancelled session is neither kept nor missed."""

LAST_MINUTE = timedelta(hours=24)
"""A cancellation with less notice than this is last-minute."""

WATCH_RISK = 0.20
"""From this risk on, a tutor or session is watched: the 20 % flag."""

ACT_RISK = 0.50
"""From this risk on, somebody should act, where the model brings no threshold of its own."""
