"""Expected number of a tutor's booked sessions that are lost in the next 14 days if nothing is done.

A booked session is lost if the tutor misses it, or has left before it starts:
1 - (1 - P(missed)) (1 - P(left by its start)). The sum over the booked sessions is the expected number of lost ones
whatever the dependence between them. Within a period of the churn model the hazard is constant in time.

The error of a calibration is shared by all rows, so the ends of the 95 % interval are the sums of the ends of the
calibrations' intervals. Both models at their ends at once are less likely than either, so the interval covers the
expected number with at least 95 %; the number of sessions that are lost varies more.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from domain.horizons import TUTOR_HORIZON
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from features.as_of.queries import microseconds_of, take
from features.base.array_types import Ints, Values
from features.base.stream import MICROSECONDS_A_DAY
from features.history.active import active_tutors
from features.history.history import History, SessionColumns
from models.artifact.model import Chances
from models.examples.rows import booked_sessions
from models.score.model_rows import ModelRows


def score_sessions_at_risk(
    history: History, no_show: ModelRows | None, leaving: ModelRows | None, as_of: datetime
) -> list[Score]:
    """Returns the sessions at risk of every active tutor, from the rows of one model or both; empty without any."""
    served = [rows for rows in (no_show, leaving) if rows is not None]
    if not served:
        return []
    moment = microseconds_of(as_of)
    active, sessions = active_tutors(history, moment), _booked(history, no_show, moment)
    booked = np.bincount(sessions.tutor, minlength=history.n_tutors)[active]
    kept = _kept(history, sessions, no_show, leaving, moment)
    sums = [np.bincount(sessions.tutor, 1 - share, history.n_tutors)[active] for share in kept]
    version = " + ".join(sorted({rows.version for rows in served}))
    ids = history.tutor_ids.take(active).to_pylist()
    return [
        Score(
            subject_kind=SubjectKind.TUTOR,
            subject_id=tutor_id,
            kind=ScoreKind.SESSIONS_AT_RISK,
            value=value,
            low=low,
            high=high,
            out_of=number,
            act_from=None,
            model_version=version,
            as_of=as_of,
        )
        for tutor_id, value, low, high, number in zip(
            ids, *(np.minimum(lost, booked).tolist() for lost in sums), booked.tolist(), strict=True
        )
    ]


def _booked(history: History, no_show: ModelRows | None, moment: int) -> SessionColumns:
    """The booked sessions, in the order of the no-show model's rows where there is that model."""
    queried = no_show.rows.queries.session if no_show else None
    return take(history.sessions, booked_sessions(history, moment, TUTOR_HORIZON)) if queried is None else queried


def _kept(
    history: History, sessions: SessionColumns, no_show: ModelRows | None, leaving: ModelRows | None, moment: int
) -> Sequence[Values]:
    """The probabilities that each session is kept: of the values, of the low ends, of the high ends of the risks."""
    shares = [np.ones(len(sessions)) for _ in range(3)]
    if no_show:
        missed = no_show.model.chances(no_show.margins)
        shares = [share * (1 - risk) for share, risk in zip(shares, _ends(missed), strict=True)]
    if leaving:
        days = (sessions.starts_at - moment) / MICROSECONDS_A_DAY
        stays = stays_until(leaving, sessions.tutor, days, history.n_tutors)
        shares = [share * stay for share, stay in zip(shares, stays, strict=True)]
    return shares


def stays_until(leaving: ModelRows, tutor: Ints, days: Values, n_tutors: int) -> Sequence[Values]:
    """Returns the probability that each tutor (n,) is still there after a number of days (n,), at most 14.

    Of the value, the low and the high end of the risk of leaving, (n,) each; 1 for a tutor who is not among the rows.
    """
    horizons = leaving.model.sidecar.horizons
    ends = (0, *horizons[: np.searchsorted(horizons, TUTOR_HORIZON.days) + 1])
    by_end = [_ends(leaving.model.chances(leaving.margins, end)) for end in ends[1:]]
    place = np.interp(days, ends, np.arange(len(ends)))
    period = np.minimum(place.astype(np.int64), len(ends) - 2)
    log_stay = np.zeros((3, n_tutors, len(ends)))
    log_stay[:, leaving.rows.queries.tutor, 1:] = np.log1p(-np.minimum(by_end, 1 - 1e-12)).transpose(1, 2, 0)
    before, after = log_stay[:, tutor, period], log_stay[:, tutor, period + 1]
    return list(np.exp(before + (place - period) * (after - before)))


def _ends(chances: Chances) -> tuple[Values, Values, Values]:
    return chances.value, chances.low, chances.high
