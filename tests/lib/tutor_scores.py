"""Scores of tutors with one reason each."""

from domain.scores import Reason, Score
from domain.vocabulary import ScoreKind, SubjectKind
from tests.lib.small_dataset import NOON


def cases_of(kind: ScoreKind) -> int | None:
    """The `out_of` of a score of a kind: 48 sessions for a count, None for a fraction."""
    return 48 if kind is ScoreKind.SESSIONS_AT_RISK else None


def tutor_score(kind: ScoreKind, value: float, theme: str = "silence", tutor: str = "T1") -> Score:
    """A tutor's score of one kind with one reason, that raises it."""
    reason = Reason(theme=theme, text=theme, effect=0.5)
    return Score(
        subject_kind=SubjectKind.TUTOR, subject_id=tutor, kind=kind, value=value, low=value / 2, high=(1 + value) / 2,
        out_of=cases_of(kind), reasons=(reason,), model_version=f"{kind}/1", as_of=NOON,
    )  # fmt: skip
