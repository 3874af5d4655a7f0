"""Need of help of each tutor: the risks of a no-show and of leaving, joined into one score."""

from collections.abc import Sequence

from domain.score_kinds import HELP_PARTS
from domain.scores import MAX_REASONS, Reason, Score
from domain.vocabulary import Band, ScoreKind
from features.columns.themes import theme_facts
from insights.advice.actions import NO_ACTION, agenda, steps


def help_scores(no_show: Sequence[Score], churn: Sequence[Score]) -> list[Score]:
    """Return one `help` score per tutor with either score, highest first: the probability of at least one event.

    Of the churn scores only that of 30 days counts. The two events are assumed independent. The reasons are the first
    two of the larger risk, then those of the other that raise it and belong to other groups of themes; the ends of the
    interval are joined as the values are.
    """
    by_tutor: dict[str, list[Score]] = {}
    for score in (score for score in [*no_show, *churn] if score.kind in HELP_PARTS):
        by_tutor.setdefault(score.subject_id, []).append(score)
    return sorted((_help(scores) for scores in by_tutor.values()), key=lambda s: (-s.value, s.subject_id))


def _help(scores: list[Score]) -> Score:
    larger, *rest = sorted(scores, key=lambda s: -s.value)
    reasons = _reasons(larger, rest)
    score = Score(
        subject_kind=larger.subject_kind,
        subject_id=larger.subject_id,
        kind=ScoreKind.HELP,
        value=_either([s.value for s in scores]),
        low=_either([s.low for s in scores]),
        high=_either([s.high for s in scores]),
        reasons=tuple(reason for _, reason in reasons),
        act_from=larger.act_from,
        model_version=" + ".join(sorted({s.model_version for s in scores})),
        as_of=larger.as_of,
    )
    planned = [step for kind, reason in reasons for step in steps(kind, [reason])]
    return score.model_copy(update={"action": NO_ACTION if score.band is Band.OK else agenda(planned)})


def _reasons(larger: Score, others: Sequence[Score]) -> list[tuple[ScoreKind, Reason]]:
    """Returns up to three reasons, each with the kind of the risk it explains."""
    groups = {theme_facts(reason.theme).group for reason in larger.reasons[:2]}
    more = [
        (other.kind, reason)
        for other in others
        for reason in other.reasons
        if reason.effect > 0 and theme_facts(reason.theme).group not in groups
    ]
    own = [(larger.kind, reason) for reason in larger.reasons]
    return [*own[:2], *(more or own[2:])][:MAX_REASONS]


def _either(risks: Sequence[float]) -> float:
    neither = 1.0
    for risk in risks:
        neither *= 1 - risk
    return 1 - neither
