"""Prediction horizons, time windows and risk thresholds. Reasons are in docs/adr."""

from datetime import timedelta

from domain.vocabulary import SessionStatus

NO_SHOW_LEAD = timedelta(hours=24)
"""A session is scored as of this long before its start, or as of when its start became known, if later."""

AT_BOOKING = timedelta(days=36_500)
"""Lead longer than that of any booking: a session is scored as of when its start became known."""

UPCOMING = timedelta(hours=48)
"""Booked sessions that start within this time get a score of their own."""

TUTOR_HORIZON = timedelta(days=14)
"""Horizon of the tutor's own no-show risk."""

CHURN_HORIZON = timedelta(days=30)
"""A tutor who leaves within this time has churned."""

ACTIVE_WINDOW = timedelta(days=30)
"""A tutor is active if they delivered a session within this time."""

DELIVERED = frozenset({SessionStatus.COMPLETED, SessionStatus.STUDENT_NO_SHOW})
"""Statuses of a session that the tutor attended."""

HELD_OR_MISSED = DELIVERED | {SessionStatus.NO_SHOW}
"""Statuses that yield a label: a cancelled session is neither attended nor missed."""

LAST_MINUTE = timedelta(hours=24)
"""A cancellation with less notice than this is last-minute."""

WATCH_RISK = 0.20
"""Risk from which the band is Watch: the 20 % flag."""

ACT_RISK = 0.50
"""Risk from which the band is Act, unless the model defines its own threshold."""
