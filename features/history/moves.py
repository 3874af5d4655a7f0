"""Reschedules: who asked, with how much notice, for which reason."""

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
"""A reschedule with less notice than this is a short one."""

REASONS = MappingProxyType({code: f"reason_{code}" for code in ReasonCode})
"""The value that counts the tutor's reschedules of each reason."""


def move_values(reschedules: pa.Table) -> NamedArrays:
    """Values by name, (reschedules,) each. Notice and reasons are of those the tutor asked for."""
    by_tutor = equals(reschedules["initiator"], Party.TUTOR)
    old, asked = microseconds(reschedules["old_starts_at"]), microseconds(reschedules["requested_at"])
    noticed = by_tutor & (old != MISSING)
    notice = np.where(noticed, np.maximum(old, asked) - asked, 0)  # asked after the start is no notice at all
    return {
        "by_tutor": by_tutor,
        "by_student": equals(reschedules["initiator"], Party.STUDENT),
        "noticed": noticed,
        "notice": notice,
        "short_notice": noticed & (notice < SHORT_NOTICE // timedelta(microseconds=1)),
        "reasoned": by_tutor & present(reschedules["reason_code"]),
    } | {name: by_tutor & equals(reschedules["reason_code"], code) for code, name in REASONS.items()}


def moved_sessions(reschedules: pa.Table, tutor: Ints, sessions: SessionColumns, ids: pa.Array) -> tuple[Ints, Ints]:
    """Codes of the sessions that were ever moved: of each reschedule's, and of each of `sessions`; -1 for none.

    `tutor` (reschedules,) are codes, `ids` (sessions,) the sessions' ids. A reschedule that names another tutor than
    its session does counts for neither.
    """
    moved = pc.unique(reschedules["session_id"])
    # The few moved ids are the table to look up in, not the many sessions.
    of_session, of_move = codes(pc.index_in(ids, moved)), codes(pc.index_in(reschedules["session_id"], moved))
    tutor_of = np.full(len(moved) + 1, -1)
    tutor_of[of_session] = sessions.tutor
    tutor_of[-1] = -1  # where the sessions never moved were written
    return np.where((tutor >= 0) & (tutor_of[of_move] == tutor), of_move, -1), of_session
