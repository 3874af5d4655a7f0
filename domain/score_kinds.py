"""Table of the kinds of score: subject, wording, direction, thresholds and use of each.

A new kind is one member of `ScoreKind` and one entry here; the database check on kinds needs a migration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.horizons import WATCH_RISK
from domain.vocabulary import ScoreKind, SubjectKind, Task

QUALITY_WATCH = 0.7
"""Quality at which Watch begins: 3.8 of 5 stars, since most ratings are 4."""

QUALITY_ACT = 0.5
"""Quality at which Act begins: three of five stars, the middle of the scale, as 0.5 is for a risk."""

SESSIONS_WATCH = 1.0
"""Expected lost sessions from which Watch begins: one session."""

RESCHEDULE_ACT = 0.35
"""Reschedule rate at which Act begins: with a third of the sessions moved a student has no fixed time. Lower than the
0.5 of a risk, since a rate counts moves that have happened, each of which affected a student."""


class Measure(StrEnum):
    """Measure of a score. High risks, counts and rates need attention, low qualities do."""

    RISK = "risk"
    COUNT = "count"
    RATE = "rate"
    QUALITY = "quality"


@dataclass(frozen=True)
class KindDescription:
    """Facts about one kind of score.

    `subject`: what the score of the API's list of kinds is about. `days`: horizon of a risk, look-back of a rate or
    quality. `act_from`: where Act begins, None where each score carries its own threshold. `task`: the model that
    predicts it. `is_listed`: part of each line of the tutor list. `is_part_of_help`: joined into `help`.
    `concerns_no_shows`: reasons and advice are withheld with those of no-shows (`domain.disclosure`).
    `raises_alert`: entering Act sends an alert to the Rails app.
    """

    subject: SubjectKind
    measure: Measure
    title: str
    meaning: str
    why_missing: str
    days: int | None = None
    watch_from: float = WATCH_RISK
    act_from: float | None = None
    task: Task | None = None
    is_listed: bool = False
    is_part_of_help: bool = False
    concerns_no_shows: bool = False
    raises_alert: bool = False

    @property
    def low_is_bad(self) -> bool:
        """Whether low values need attention."""
        return self.measure is Measure.QUALITY


_NOT_YET = "Not scored yet: sessions are scored from 48 hours before they start, or when they are booked."
_NO_RISK = "Not enough data: only tutors who delivered a session in the last 30 days are scored, and with a model."
_NO_RATE = "Not enough data: rates are computed for tutors who delivered a session in the last 30 days."
_NO_QUALITY = "Not enough data: no {} was rated in the last 90 days, or the tutor delivered none in the last 30."


def _churn(days: int, is_part_of_help: bool = False) -> KindDescription:
    return KindDescription(
        SubjectKind.TUTOR, Measure.RISK, f"Leaves within {days} days", f"risk that the tutor leaves within {days} days",
        _NO_RISK, days, task=Task.CHURN, is_listed=is_part_of_help, is_part_of_help=is_part_of_help,
    )  # fmt: skip


def _reschedule_rate(days: int, is_listed: bool = False) -> KindDescription:
    return KindDescription(
        SubjectKind.TUTOR, Measure.RATE, f"Reschedules, last {days} days",
        f"tutor-requested reschedules per held or missed session, last {days} days", _NO_RATE, days,
        act_from=RESCHEDULE_ACT, is_listed=is_listed,
    )  # fmt: skip


def _quality(sessions: str, title: str, meaning: str, is_listed: bool = False) -> KindDescription:
    return KindDescription(
        SubjectKind.TUTOR, Measure.QUALITY, title, meaning, _NO_QUALITY.format(sessions), 90, QUALITY_WATCH,
        QUALITY_ACT, is_listed=is_listed,
    )  # fmt: skip


SCORE_KINDS: Mapping[ScoreKind, KindDescription] = MappingProxyType(
    {
        ScoreKind.NO_SHOW: KindDescription(
            SubjectKind.SESSION, Measure.RISK, "Misses this session",
            "risk that the tutor misses the next booked session", _NOT_YET, task=Task.NO_SHOW,
            concerns_no_shows=True, raises_alert=True,
        ),
        ScoreKind.NO_SHOW_14D: KindDescription(
            SubjectKind.TUTOR, Measure.RISK, "Misses a session within 14 days",
            "risk of at least one missed session in the next 14 days", _NO_RISK, 14, task=Task.NO_SHOW, is_listed=True,
            is_part_of_help=True, concerns_no_shows=True,
        ),
        ScoreKind.CHURN_7D: _churn(7),
        ScoreKind.CHURN_14D: _churn(14),
        ScoreKind.CHURN_30D: _churn(30, is_part_of_help=True),
        ScoreKind.CHURN_90D: _churn(90),
        ScoreKind.HELP: KindDescription(
            SubjectKind.TUTOR, Measure.RISK, "Needs help",
            "probability of a missed session within 14 days or of leaving within 30", _NO_RISK, is_listed=True,
            concerns_no_shows=True, raises_alert=True,
        ),
        ScoreKind.SESSIONS_AT_RISK: KindDescription(
            SubjectKind.TUTOR, Measure.COUNT, "Sessions at risk",
            "expected number of the sessions booked for the next 14 days that the tutor misses or leaves before: the "
            "order of the ranked list",
            _NO_RISK, 14, SESSIONS_WATCH, is_listed=True, concerns_no_shows=True,
        ),
        ScoreKind.RESCHEDULE_RATE_7D: _reschedule_rate(7),
        ScoreKind.RESCHEDULE_RATE_30D: _reschedule_rate(30, is_listed=True),
        ScoreKind.RESCHEDULE_RATE_90D: _reschedule_rate(90),
        ScoreKind.SESSION_QUALITY: _quality(
            "session", "Session quality", "mean rating of the sessions of the last 90 days, 1 the best", is_listed=True
        ),
        ScoreKind.FIRST_SESSION_QUALITY: _quality(
            "first session", "First-session quality",
            "mean rating of first sessions with new students in the last 90 days, 1 the best",
        ),
    }
)  # fmt: skip
"""Every kind, in the order of the API."""

HELP_PARTS = tuple(kind for kind, described in SCORE_KINDS.items() if described.is_part_of_help)
"""Risks of a tutor that `help` joins."""

_FIRST = (ScoreKind.SESSIONS_AT_RISK, ScoreKind.HELP)
LISTED = (*_FIRST, *(k for k, described in SCORE_KINDS.items() if described.is_listed and k not in _FIRST))
"""Kinds of each line of the tutor list, that of its order first."""


def _by_days(measure: Measure, task: Task | None) -> Mapping[int, ScoreKind]:
    return MappingProxyType(
        {d.days: kind for kind, d in SCORE_KINDS.items() if d.measure is measure and d.task is task and d.days}
    )


CHURN_KINDS = _by_days(Measure.RISK, Task.CHURN)
"""Kinds of the churn model by horizon in days."""

RATE_KINDS = _by_days(Measure.RATE, None)
"""Reschedule rates by look-back in days."""
