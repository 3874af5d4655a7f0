"""Reschedule rates and session quality of tutors: counts shrunk towards a prior, with the counts as reasons.

The counts are those of the features of the same names, so a rate here and a column of a model never disagree.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

import numpy as np

from domain.score_kinds import RATE_KINDS, SCORE_KINDS
from domain.scores import Reason, Score
from domain.vocabulary import ReasonCode, ScoreKind, SubjectKind
from features.as_of import evidence
from features.as_of.past import Past
from features.as_of.priors import Prior
from features.as_of.queries import microseconds_of
from features.base.array_types import Column, Ints
from features.base.stream import MICROSECONDS_A_DAY
from features.history.active import active_tutors
from features.history.history import History
from insights.rates.rate_priors import LOOK_BACK_DAYS, MeanPrior, RatePriors, estimate_rate_priors, tutor_past
from insights.rates.session_quality import as_stars, ratings
from insights.rates.shrinkage import Posterior, log_odds_against, shrunk_mean, shrunk_rate

MODEL_VERSION = "rates-1"
"""Version of the counting and shrinkage."""

REASON_WORDS: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.ILLNESS: "for illness",
        ReasonCode.FAMILY: "for the family",
        ReasonCode.TECHNICAL: "for technical reasons",
        ReasonCode.SCHEDULE_CONFLICT: "because of a schedule conflict",
        ReasonCode.OTHER_WORK: "for another job",
        ReasonCode.STUDENT_REQUEST: "at the student's request",
        ReasonCode.UNCLEAR: "for no clear reason",
    }
)


def rate_scores(history: History, as_of: datetime, priors: RatePriors | None = None) -> list[Score]:
    """Return reschedule rates, session quality and first-session quality of every active tutor, as known at `as_of`.

    Without `priors` they are estimated from this history, which must then be that of all tutors. Quality scores exist
    for tutors with a rating in the last 90 days.
    """
    active = active_tutors(history, microseconds_of(as_of))
    if not active.size:
        return []
    priors = priors or estimate_rate_priors(history, as_of)
    past = tutor_past(history, active, as_of)
    rates = [score for days in RATE_KINDS for score in _rates(past, days, priors.reschedules, as_of)]
    means = ((ScoreKind.SESSION_QUALITY, priors.quality), (ScoreKind.FIRST_SESSION_QUALITY, priors.first_quality))
    return rates + [score for kind, mean in means for score in _qualities(history, active, kind, mean, as_of)]


def _rates(past: Past, days: int, prior: Prior, as_of: datetime) -> list[Score]:
    moves, sessions = evidence.reschedules("by_tutor", days)(past)
    posterior = shrunk_rate(moves, sessions, prior)
    effects = log_odds_against(posterior.value, prior.rate)
    commonest, number = _commonest(past, days)
    reasons = [
        Reason(theme="reschedules", text=_moved(*row), effect=effect)
        for *row, effect in zip(
            moves.tolist(), sessions.tolist(), [days] * moves.size, commonest, number.tolist(), effects, strict=True
        )
    ]
    return _scores(RATE_KINDS[days], past.history, past.queries.tutor, posterior, reasons, as_of)


def _commonest(past: Past, days: int) -> tuple[list[ReasonCode], Column]:
    """Return the most frequent reason class of each tutor's reschedules, and its count: (rows,) each."""
    codes = list(ReasonCode)
    counts = np.stack([evidence.reason(code, days)(past)[0] for code in codes])
    best = counts.argmax(axis=0)
    return [codes[place] for place in best], counts[best, np.arange(best.size)]


def _moved(moves: float, sessions: float, days: int, commonest: ReasonCode, number: float) -> str:
    if not sessions:
        return f"no session in the last {days} days: the marketplace's usual rate is shown"
    of_all = f"{moves:.0f} of {sessions:.0f} session{'' if sessions == 1 else 's'} moved by the tutor in {days} days"
    return f"{of_all}, {number:.0f} of them {REASON_WORDS[commonest]}" if number else of_all


def _qualities(history: History, active: Ints, kind: ScoreKind, prior: MeanPrior, as_of: datetime) -> list[Score]:
    """Return the quality scores of the active tutors who were rated in the last 90 days."""
    before = microseconds_of(as_of)
    first_only = kind is ScoreKind.FIRST_SESSION_QUALITY
    recent = ratings(history, before - LOOK_BACK_DAYS * MICROSECONDS_A_DAY, before, first_only)
    total, _, number = recent.sums(history.n_tutors)
    rated = active[number[active] > 0]
    posterior = shrunk_mean(total[rated], number[rated], prior.prior, prior.variance)
    effects = log_odds_against(posterior.value, prior.prior.rate)
    word = partial(_rated, first_only=first_only, prior_mean=prior.prior.rate)
    reasons = [
        Reason(theme="quality", text=word(mean, count), effect=effect)
        for mean, count, effect in zip((total[rated] / number[rated]).tolist(), number[rated], effects, strict=True)
    ]
    return _scores(kind, history, rated, posterior, reasons, as_of)


def _rated(mean: float, number: float, first_only: bool, prior_mean: float) -> str:
    what = "first session" if first_only else "session"
    rated = f"{number:.0f} rated {what}{'' if number == 1 else 's'} in {LOOK_BACK_DAYS} days"
    return f"{as_stars(mean):.1f} stars on average of {rated} (usual: {as_stars(prior_mean):.1f})"


def _scores(
    kind: ScoreKind, history: History, tutors: Ints, posterior: Posterior, reasons: Sequence[Reason], as_of: datetime
) -> list[Score]:
    ids = history.tutor_ids.take(tutors).to_pylist() if tutors.size else []
    return [
        Score(
            subject_kind=SubjectKind.TUTOR,
            subject_id=tutor_id,
            kind=kind,
            value=value,
            low=low,
            high=high,
            reasons=(reason,),
            act_from=SCORE_KINDS[kind].act_from,
            model_version=MODEL_VERSION,
            as_of=as_of,
        )
        for tutor_id, value, low, high, reason in zip(
            ids, posterior.value.tolist(), posterior.low.tolist(), posterior.high.tolist(), reasons, strict=True
        )
    ]
