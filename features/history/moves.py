"""Reschedules: requesting party, notice and reason."""

from datetime import timedelta
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import Party, ReasonCode
from features.base.array_types import Ints, NamedArrays
from features.base.arrays import MISSING, codes, equals, microseconds, present
from features.base.sessions import SessionColumns

SHORT_NOTICE = timedelta(hours=24)
"""A reschedule with less notice than this is at short notice."""

REASONS = MappingProxyType({code: f"reason_{code}" for code in ReasonCode})
"""Name of the value that counts the tutor's reschedules for each reason."""


def move_values(reschedules: pa.Table) -> NamedArrays:
    """Values by name, (reschedules,) each. Notice and reasons cover only reschedules requested by the tutor."""
    by_tutor = equals(reschedules["initiator"], Party.TUTOR)
    old, requested = microseconds(reschedules["old_starts_at"]), microseconds(reschedules["requested_at"])
    noticed = by_tutor & (old != MISSING)
    notice = np.where(noticed, np.maximum(old, requested) - requested, 0)  # a request after the start has zero notice
    return {
        "by_tutor": by_tutor,
        "by_student": equals(reschedules["initiator"], Party.STUDENT),
        "noticed": noticed,
        "notice": notice,
        "short_notice": noticed & (notice < SHORT_NOTICE // timedelta(microseconds=1)),
        "reasoned": by_tutor & present(reschedules["reason_code"]),
    } | {name: by_tutor & equals(reschedules["reason_code"], code) for code, name in REASONS.items()}


def moved_sessions(reschedules: pa.Table, tutor: Ints, sessions: SessionColumns, ids: pa.Array) -> tuple[Ints, Ints]:
    """Codes of the rescheduled sessions: for each reschedule, and for each of `sessions`; -1 for none.

    `tutor` (reschedules,) are codes, `ids` (sessions,) are session ids. A reschedule that names another tutor than its
    session is not counted for either.
    """
    moved = pc.unique(reschedules["session_id"])
    # Few sessions are rescheduled, so the lookup table holds their ids and not those of all sessions.
    of_session, of_move = codes(pc.index_in(ids, moved)), codes(pc.index_in(reschedules["session_id"], moved))
    tutor_of = np.full(len(moved) + 1, -1)
    tutor_of[of_session] = sessions.tutor
    tutor_of[-1] = -1  # sessions that were never rescheduled wrote to the last element
    return np.where((tutor >= 0) & (tutor_of[of_move] == tutor), of_move, -1), of_session
