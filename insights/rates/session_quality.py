"""Quality of sessions from student ratings; a session without a rating has no score."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.horizons import HELD_OR_MISSED
from domain.score_kinds import QUALITY_ACT
from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SessionStatus, SubjectKind
from features.base.array_types import Column, Ints
from features.base.arrays import MISSING, floats
from features.history.first_sessions import first_of_pairs
from features.history.history import History

MODEL_VERSION = "ratings-1"
"""Version of the conversion of ratings into scores."""

WORST, BEST = 1.0, 5.0
"""The scale of ratings, in stars."""

HALF_A_STAR = 0.5 / (BEST - WORST)
"""Rounding error of a rating, which is given in whole stars: half a star each way, as a fraction."""


@dataclass(frozen=True)
class Ratings:
    """Rated sessions, (ratings,) each: the tutor's code and the rating as a fraction, 1 the best."""

    tutor: Ints
    quality: Column

    def sums(self, n_tutors: int) -> tuple[Column, Column, Column]:
        """Return the sum of qualities, the sum of their squares and their number by tutor: (tutors,) each."""
        weights = (self.quality, self.quality**2, np.ones_like(self.quality))
        total, squares, number = (np.bincount(self.tutor, w, n_tutors).astype(np.float64) for w in weights)
        return total, squares, number


def as_quality(stars: Column) -> Column:
    """Convert stars, 1 to 5, to a fraction: 5 is 1, 1 is 0."""
    return np.asarray((np.clip(stars, WORST, BEST) - WORST) / (BEST - WORST))


def as_stars(quality: float) -> float:
    """Convert a fraction to stars."""
    return WORST + quality * (BEST - WORST)


def ratings(history: History, after: int, before: int, first_only: bool = False) -> Ratings:
    """Return ratings of sessions whose outcome became known in [after, before), UTC microseconds.

    With `first_only`, only those of the first session held or missed of each pair of tutor and student.
    """
    sessions = history.sessions
    known = (sessions.known_at != MISSING) & (sessions.known_at < before)
    rows = np.flatnonzero(known & sessions.is_in(HELD_OR_MISSED))
    if first_only:
        rows = rows[np.argsort(sessions.known_at[rows], kind="stable")]
        rows = rows[first_of_pairs(sessions, rows)]
    quality = _quality(history)[rows]
    counts = ~np.isnan(quality) & (sessions.known_at[rows] >= after) & (sessions.tutor[rows] >= 0)
    return Ratings(sessions.tutor[rows[counts]], quality[counts])


def _quality(history: History) -> Column:
    """Return the quality of every session, NaN where it was not held or not rated: (sessions,)."""
    stars = floats(history.dataset.tables["sessions"]["rating"])
    return np.where(history.sessions.is_in({SessionStatus.COMPLETED}), as_quality(stars), np.nan)


def session_scores(history: History, rows: Ints | Sequence[int], as_of: datetime) -> list[Score]:
    """Return a quality score for each of the sessions (rows of the history) that was completed and rated."""
    chosen = np.asarray(rows, dtype=np.int64)
    quality = _quality(history)[chosen]
    rated = np.flatnonzero(~np.isnan(quality))
    ids = history.dataset.tables["sessions"]["session_id"].take(chosen[rated]).to_pylist() if rated.size else []
    return [_score(name, float(value), as_of) for name, value in zip(ids, quality[rated], strict=True)]


def _score(session_id: str, quality: float, as_of: datetime) -> Score:
    stars = as_stars(quality)
    return Score(
        subject_kind=SubjectKind.SESSION,
        subject_id=session_id,
        kind=ScoreKind.SESSION_QUALITY,
        value=quality,
        low=max(quality - HALF_A_STAR, 0.0),
        high=min(quality + HALF_A_STAR, 1.0),
        reasons=(Reason(theme="quality", text=f"rated {stars:g} of {BEST:g} stars", effect=0.0),),
        act_from=QUALITY_ACT,
        model_version=MODEL_VERSION,
        as_of=as_of,
    )
