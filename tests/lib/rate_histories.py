"""Small histories of sessions and reschedules, for tests of rates."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.scores import Score
from domain.vocabulary import ScoreKind
from features.history.history import History
from tests.lib.histories import dataset

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def held(number: int, days_ago: float, tutor: str = "ada", **more: Any) -> dict[str, Any]:
    starts_at = NOW - timedelta(days=days_ago)
    return {
        "session_id": f"{tutor}-{number}", "tutor_id": tutor, "student_id": "s1", "starts_at": starts_at,
        "booked_at": starts_at - timedelta(days=5), "status": "completed",
        "outcome_known_at": starts_at + timedelta(hours=1),
    } | more  # fmt: skip


def moved(number: int, days_ago: float, tutor: str = "ada", **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=days_ago)
    return {
        "reschedule_id": f"r-{tutor}-{number}", "session_id": f"{tutor}-{number}", "tutor_id": tutor,
        "initiator": "tutor", "requested_at": at, "old_starts_at": at, "new_starts_at": at,
    } | more  # fmt: skip


def history(sessions: list[dict[str, Any]], reschedules: tuple[dict[str, Any], ...] = ()) -> History:
    names = ("ada", "ben", *sorted({s["tutor_id"] for s in sessions} - {"ada", "ben"}))
    students = sorted({s["student_id"] for s in sessions} - {None})
    return History(
        dataset(
            {
                "tutors": [{"tutor_id": name} for name in names],
                "students": [{"student_id": name} for name in students],
                "sessions": sessions,
                "reschedules": list(reschedules),
            }
        )
    )


def of(scores: list[Score], kind: ScoreKind, subject: str = "ada") -> Score:
    (match,) = [score for score in scores if (score.kind, score.subject_id) == (kind, subject)]
    return match
