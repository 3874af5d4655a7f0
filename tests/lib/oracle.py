"""Oracles of the features: slow, obvious reimplementations on lists of dicts, one query at a time.

An oracle has the name of its column and takes (rows by kind, query, priors). A query is a dict of `tutor_id`, `as_of`
and `session` (a dict or None). None is a missing value.
"""

from datetime import UTC, datetime, timedelta

from tests.lib import oracle_habits, oracle_session, oracle_tutor
from tests.lib.oracle_parts import ORACLE, Row

__all__ = ["ORACLE", "oracle_habits", "oracle_session", "oracle_tutor", "warning_moment"]


def warning_moment(session: Row) -> datetime:
    """24 h before the start, or when the start became known if later."""
    known = [session["starts_at"] - timedelta(hours=24), session["booked_at"], session["scheduled_at"]]
    return max(moment.astimezone(UTC) for moment in known if moment is not None)
