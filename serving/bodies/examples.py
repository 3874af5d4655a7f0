"""Examples of request and response bodies for the OpenAPI document. A test validates each against its schema."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from domain.scores import points
from domain.vocabulary import ScoreKind
from serving.guard.permissions import Access
from serving.http.problem_codes import CODES
from serving.http.problems import TYPE_PREFIX

_AS_OF = "2026-11-23T17:00:00Z"
_REASONS = [
    {"theme": "recent no-shows", "text": "missed 4 of 20 sessions in the last 90 days (usual 1 in 70)", "effect": 1.2}
]
_WHAT_IF = {"change": "the tutor writes a message today", "value": 0.31, "difference": -0.12}
_CALL = "Call today: ask what happened in the missed sessions and confirm the next ones"
_SCORE: Mapping[str, Any] = MappingProxyType(
    {
        "kind": "no_show_14d",
        "subject_kind": "tutor",
        "subject_id": "tutor-17",
        "value": 0.43,
        "low": 0.35,
        "high": 0.51,
        "out_of": None,
        "band": "watch",
        "points": points(0.43),
        "reasons": _REASONS,
        "action": _CALL,
        "what_if": _WHAT_IF,
        "act_from": 0.5,
        "trend": 0.08,
        "as_of": _AS_OF,
        "model_version": "no_show/7",
        "message": None,
    }
)
_WITHOUT_SCORE: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(_SCORE)
    | {
        "kind": "first_session_quality",
        "subject_kind": "tutor",
        "subject_id": "tutor-17",
        "reasons": [],
        "message": "Not enough data: no first session was rated in the last 90 days.",
    }
)
_LISTED = {"value": 0.43, "low": 0.35, "high": 0.51, "band": "watch", "points": 43, "as_of": _AS_OF}
_TUTOR = {
    "tutor_id": "tutor-17", "name": "Ada", "timezone": "Europe/Berlin", "active": True, "band": "watch",
    "sessions_at_risk": {"value": 9.3, "low": 7.8, "high": 10.9, "out_of": 48, "as_of": _AS_OF},
    "help": _LISTED, "no_show_14d": _LISTED, "churn_30d": None, "reschedule_rate_30d": None, "session_quality": None,
    "reasons": _REASONS, "action": _CALL,
}  # fmt: skip
_PREDICTED = {name: _SCORE[name] for name in _SCORE if name not in {"out_of", "trend", "message"}}
_OF_SESSION = {"kind": ScoreKind.NO_SHOW.value, "subject_kind": "session", "subject_id": "session-81023"}
CHANGES: Mapping[str, Any] = {
    "changes": [
        {
            "id": 311, "tutor_id": "tutor-17", "subject_kind": "tutor", "subject_id": "tutor-17", "kind": "no_show_14d",
            "value": 0.43, "band": "watch", "previous_value": 0.18, "previous_band": "ok",
            "model_version": "no_show/7", "as_of": _AS_OF,
        }
    ],
    "last_id": 311,
    "reset": False,
}  # fmt: skip
TRANSCRIPT_STATUS: Mapping[str, Any] = {
    "id": "transcript-81023", "session_id": "session-81023", "status": "accepted",
    "message": "accepted: no transcript scorer is installed yet; the request is kept until one is",
    "requested_at": _AS_OF, "scorer": None, "result": None, "finished_at": None,
}  # fmt: skip

NO_SHOW_QUESTION: Mapping[str, Any] = {"session_id": "session-81023", "explain": True}
CHURN_QUESTION: Mapping[str, Any] = {"tutor_id": "tutor-17", "explain": True}
TRANSCRIPT: Mapping[str, Any] = {
    "id": "transcript-81023",
    "session_id": "session-81023",
    "transcript": "tutor: Hello.\nstudent: Hi.",
}
TUTOR_LIST: Mapping[str, Any] = {"tutors": [_TUTOR], "next_cursor": None}
TUTOR_SCORES: Mapping[str, Any] = {
    "tutor_id": "tutor-17",
    "status": "scored",
    "message": "The latest scores.",
    "scores": [dict(_SCORE), dict(_WITHOUT_SCORE)],
    "next_session": {"session_id": "session-81023", "starts_at": "2026-11-24T16:00:00Z"},
}  # fmt: skip
RECOMMENDATIONS: Mapping[str, Any] = {
    "tutor_id": "tutor-17",
    "message": "Recommended actions, the most urgent first.",
    "recommendations": [
        {
            "about": "no_show_14d", "subject_kind": "tutor", "subject_id": "tutor-17", "starts_at": None,
            "risk": 0.43, "band": "watch", "action": _CALL, "reasons": _REASONS, "what_if": _WHAT_IF,
            "measured_effect": None,
        }
    ],
}  # fmt: skip
UPCOMING_SESSIONS: Mapping[str, Any] = {
    "sessions": [
        {
            "session_id": "session-81023", "tutor_id": "tutor-17", "tutor_name": "Ada",
            "timezone": "Europe/Berlin", "student_id": "student-204", "starts_at": "2026-11-24T16:00:00Z",
            "risk": {"value": 0.43, "low": 0.35, "high": 0.51, "band": "watch"}, "reasons": _REASONS,
            "action": _CALL, "expected_effect": "effect not measured yet", "what_if": _WHAT_IF,
            "model_version": "no_show/7", "as_of": _AS_OF,
        }
    ],
    "total": 1,
    "next_cursor": None,
}  # fmt: skip
NO_SHOW_PREDICTION: Mapping[str, Any] = {
    "session_id": "session-81023",
    "tutor_id": "tutor-17",
    "starts_at": "2026-11-24T16:00:00Z",
    "score": _PREDICTED | _OF_SESSION,
}
CHURN_PREDICTION: Mapping[str, Any] = {"tutor_id": "tutor-17", "scores": [_PREDICTED | {"kind": "churn_30d"}]}
HEALTH: Mapping[str, Any] = {"status": "ok"}
READINESS: Mapping[str, Any] = {"status": "ready", "models": {"no_show": "no_show/7", "churn": "churn/4"}}


def add_examples(paths: Mapping[str, Mapping[str, Any]], declared: Mapping[tuple[str, str], Access]) -> None:
    """Add the examples that the routes declare, and one problem of each status, to an OpenAPI document's paths."""
    problems = _problems()
    for path, operations in paths.items():
        for method, operation in operations.items():
            access = declared[method.upper(), path]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _add(content, access.body_example)
            for status, response in operation["responses"].items():
                example = problems.get(int(status)) if int(status) >= 400 else access.example
                for content in response.get("content", {}).values():
                    _add(content, example)


def _add(content: dict[str, Any], example: Any) -> None:
    if example is not None and not {"example", "examples"} & content.keys():
        content["example"] = example


def _problems() -> Mapping[int, Mapping[str, Any]]:
    """The default problem of each status, as a response body."""
    first: dict[int, dict[str, Any]] = {}
    for status, code, meaning, _ in CODES.values():
        first.setdefault(
            status,
            {
                "type": TYPE_PREFIX + code,
                "title": HTTPStatus(status).phrase,
                "status": status,
                "code": code,
                "detail": meaning,
                "request_id": "9f1c2ab07d5e4c3f8a6b",
                "errors": [{"field": "limit", "detail": "must be at most 200"}] if status == 422 else [],
            },
        )
    return first
