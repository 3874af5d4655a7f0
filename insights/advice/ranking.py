"""Need of help of each tutor: the risks of a no-show and of leaving, joined into one score."""

from collections.abc import Sequence

from domain.score_kinds import HELP_PARTS
from domain.scores import Score
from domain.vocabulary import ScoreKind
from insights.advice.actions import action_for


def help_scores(no_show: Sequence[Score], churn: Sequence[Score]) -> list[Score]:
    """Return one `help` score per tutor with either score, highest first: the probability of at least one event.

    Of the churn scores only that of 30 days counts. The two events are assumed independent. The reasons are the first
    two of the larger risk, then the first of the other that raises it and has another theme; the ends of the interval
    are joined as the values are.
    """
    by_tutor: dict[str, list[Score]] = {}
    for score in (score for score in [*no_show, *churn] if score.kind in HELP_PARTS):
        by_tutor.setdefault(score.subject_id, []).append(score)
    return sorted((_help(scores) for scores in by_tutor.values()), key=lambda s: (-s.value, s.subject_id))


def _help(scores: list[Score]) -> Score:
    larger, *rest = sorted(scores, key=lambda s: -s.value)
    themes = {reason.theme for reason in larger.reasons[:2]}
    more = [r for other in rest for r in other.reasons if r.effect > 0 and r.theme not in themes]
    reasons = larger.reasons[:2] + (tuple(more[:1]) or larger.reasons[2:3])
    return Score(
        subject_kind=larger.subject_kind,
        subject_id=larger.subject_id,
        kind=ScoreKind.HELP,
        value=_either([s.value for s in scores]),
        low=_either([s.low for s in scores]),
        high=_either([s.high for s in scores]),
        reasons=reasons,
        action=action_for(larger),
        act_from=larger.act_from,
        model_version=" + ".join(sorted({s.model_version for s in scores})),
        as_of=larger.as_of,
    )


def _either(risks: Sequence[float]) -> float:
    neither = 1.0
    for risk in risks:
        neither *= 1 - risk
    return 1 - neither
