"""Contacts with a known effect, applied to a simulated market."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.vocabulary import SessionStatus
from features.base.dataset import TIME
from simulator.marketplace import Market
from simulator.outcomes import MINUTE
from simulator.settings import MarketSettings, microseconds
from simulator.truth import SCHEMA

PLANTED = "contact_effect"
"""Kind of the truth rows with the share by which a contact reduces a session's no-show probability."""

_OWN_STREAM = 1
"""Stream number that keeps random numbers of market and contacts independent under the same seed."""


def contact(
    market: Market, settings: MarketSettings, contacted: Sequence[str], reduction: float | Sequence[float], seed: int
) -> Market:
    """Market in which the tutors of these sessions were contacted; without sessions, the unchanged market.

    `reduction` (0..1, one number or one per session) is the share of their no-shows that is prevented: each session
    that would have been missed takes place instead with this probability; nothing else in the market changes. A
    student who left because of such a no-show still leaves, then for other reasons.
    """
    if not len(contacted):
        return market
    rng = np.random.default_rng([seed, _OWN_STREAM])
    shares = dict(zip(contacted, np.broadcast_to(reduction, len(contacted)).tolist(), strict=True))
    sessions = market.dataset.tables["sessions"]
    share = np.array([shares.get(session, 0.0) for session in sessions["session_id"].to_pylist()])
    kept = (rng.random(share.size) < share) & _is(sessions, SessionStatus.NO_SHOW)
    tables = {**market.dataset.tables, "sessions": _held(sessions, kept, settings, rng)}
    return Market(replace(market.dataset, tables=tables), _truth(market.truth, shares))


def _is(sessions: pa.Table, status: SessionStatus) -> np.ndarray:
    return np.asarray(pc.equal(sessions["status"], str(status)).to_numpy())


def _held(sessions: pa.Table, kept: np.ndarray, settings: MarketSettings, rng: np.random.Generator) -> pa.Table:
    """Turn the sessions `kept` (n,) into completed ones, with others' lateness and duration, known once over."""
    rows = np.flatnonzero(kept)
    like = rng.choice(np.flatnonzero(_is(sessions, SessionStatus.COMPLETED)), rows.size)
    ends = sessions["ends_at"].cast(pa.int64()).to_numpy()[rows]
    known_at = ends + rng.integers(0, 30 * MINUTE, rows.size)
    over = known_at < microseconds(settings.end)
    status = np.where(over, str(SessionStatus.COMPLETED), str(SessionStatus.BOOKED))
    changed = {"status": pa.array(status), "outcome_known_at": pa.array(known_at, mask=~over).cast(TIME)}
    for name in ("late_minutes", "duration_minutes", "rating"):
        values = sessions[name].combine_chunks().take(pa.array(like))
        changed[name] = pc.if_else(pa.array(over), values, pa.scalar(None, pa.float64()))
    for name, values in changed.items():
        old, mask = sessions[name].combine_chunks(), pa.array(kept)
        place = sessions.column_names.index(name)
        sessions = sessions.set_column(place, sessions.field(name), pc.replace_with_mask(old, mask, values))
    return sessions


def _truth(truth: pa.Table, shares: dict[str, float]) -> pa.Table:
    """True probabilities after the contacts, and the known reductions."""
    left = [1 - shares.get(subject, 0.0) for subject in truth["subject_id"].to_pylist()]
    is_no_show = pc.equal(truth["kind"], "no_show")
    values = pc.if_else(is_no_show, pc.multiply(truth["value"], pa.array(left)), truth["value"])
    n = len(shares)
    planted = {
        "kind": pa.repeat(PLANTED, n),
        "subject_id": pa.array(list(shares), pa.string()),
        "as_of": pa.nulls(n, TIME),
        "value": pa.array(list(shares.values()), pa.float64()),
        "label": pa.nulls(n, pa.string()),
    }
    adjusted = truth.set_column(truth.column_names.index("value"), SCHEMA.field("value"), values)
    return pa.concat_tables([adjusted, pa.table(planted, schema=SCHEMA)])
