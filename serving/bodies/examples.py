"""Examples of bodies and answers, for the API's description. A test holds each against its schema."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from domain.scores import points
from domain.vocabulary import ScoreKind
from serving.bodies.admin_examples import ADMIN_ANSWERS
from serving.http.problem_codes import CODES
from serving.http.problems import TYPE_PREFIX

_AS_OF = "2026-11-23T17:00:00Z"
_REASONS = [{"theme": "no-shows", "text": "4 no-shows in the last 30 days (usual: 0)", "effect": 1.2}]
_WHAT_IF = {"change": "the tutor writes a message today", "value": 0.31, "difference": -0.12}
_CALL = "Call to confirm the next sessions; keep a substitute ready"
_SCORE: Mapping[str, Any] = MappingProxyType(
    {
        "kind": "no_show_14d",
        "subject_kind": "tutor",
        "subject_id": "tutor-17",
        "value": 0.43,
        "low": 0.35,
        "high": 0.51,
        "band": "watch",
        "points": points(0.43),
        "reasons": _REASONS,
        "action": _CALL,
        "what_if": _WHAT_IF,
        "act_from": 0.5,
        "trend": 0.08,
        "as_of": _AS_OF,
        "model_version": "no_show 7",
        "message": None,
    }
)
_NOTHING: Mapping[str, Any] = MappingProxyType(
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
    "help": _LISTED, "no_show_14d": _LISTED, "churn_30d": None, "reschedule_rate_30d": None, "session_quality": None,
    "reasons": _REASONS, "action": _CALL,
}  # fmt: skip
_PREDICTED = {name: _SCORE[name] for name in _SCORE if name not in {"trend", "message"}}
_OF_SESSION = {"kind": ScoreKind.NO_SHOW.value, "subject_kind": "session", "subject_id": "session-81023"}
_CHANGES = {
    "changes": [
        {
            "id": 311, "tutor_id": "tutor-17", "subject_kind": "tutor", "subject_id": "tutor-17", "kind": "no_show_14d",
            "value": 0.43, "band": "watch", "previous_value": 0.18, "previous_band": "ok",
            "model_version": "no_show 7", "as_of": _AS_OF,
        }
    ],
    "last_id": 311,
    "reset": False,
}  # fmt: skip
_TAKEN = {
    "id": "transcript-81023", "session_id": "session-81023", "status": "accepted",
    "message": "accepted: no scorer reads transcripts yet, so this stays as it is until one is installed",
    "requested_at": _AS_OF, "scorer": None, "result": None, "finished_at": None,
}  # fmt: skip

BODIES: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("post", "/api/predict/no_show"): {"session_id": "session-81023", "explain": True},
        ("post", "/api/predict/churn"): {"tutor_id": "tutor-17", "explain": True},
        ("post", "/api/quality/sessions"): {
            "id": "transcript-81023",
            "session_id": "session-81023",
            "transcript": "tutor: Hello.\nstudent: Hi.",
        },
    }
)
"""Bodies by method and path, of routes that do not bring their own."""

ANSWERS: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("get", "/api/tutors"): {"tutors": [_TUTOR], "next_cursor": None},
        ("get", "/api/tutors/{tutor_id}/scores"): {
            "tutor_id": "tutor-17",
            "status": "scored",
            "message": "The latest scores.",
            "scores": [dict(_SCORE), dict(_NOTHING)],
            "next_session": {"session_id": "session-81023", "starts_at": "2026-11-24T16:00:00Z"},
        },
        ("get", "/api/tutors/{tutor_id}/recommendations"): {
            "tutor_id": "tutor-17",
            "message": "What to do, the most pressing first.",
            "recommendations": [
                {
                    "about": "no_show_14d", "subject_kind": "tutor", "subject_id": "tutor-17", "starts_at": None,
                    "risk": 0.43, "band": "watch", "action": _CALL, "reasons": _REASONS, "what_if": _WHAT_IF,
                    "measured_effect": None,
                }
            ],
        },
        ("get", "/api/sessions/upcoming"): {
            "sessions": [
                {
                    "session_id": "session-81023", "tutor_id": "tutor-17", "tutor_name": "Ada",
                    "timezone": "Europe/Berlin", "student_id": "student-204", "starts_at": "2026-11-24T16:00:00Z",
                    "risk": {"value": 0.43, "low": 0.35, "high": 0.51, "band": "watch"}, "reasons": _REASONS,
                    "action": _CALL, "expected_effect": "effect not measured yet", "what_if": _WHAT_IF,
                    "model_version": "no_show 7", "as_of": _AS_OF,
                }
            ],
            "total": 1,
            "next_cursor": None,
        },
        ("post", "/api/predict/no_show"): {
            "session_id": "session-81023",
            "tutor_id": "tutor-17",
            "starts_at": "2026-11-24T16:00:00Z",
            "score": _PREDICTED | _OF_SESSION,
        },
        ("post", "/api/predict/churn"): {"tutor_id": "tutor-17", "scores": [_PREDICTED | {"kind": "churn_30d"}]},
        ("get", "/api/changes"): _CHANGES,
        ("get", "/api/tutors/{tutor_id}/changes"): _CHANGES,
        ("post", "/api/quality/sessions"): _TAKEN,
        ("get", "/api/quality/sessions/{request_id}"): _TAKEN,
        ("get", "/api/health"): {"status": "ok"},
        ("get", "/api/ready"): {"status": "ready", "models": {"no_show": "7", "churn": "4"}},
    }
)  # fmt: skip
"""Answers by method and path, of routes that do not bring their own."""


def add_examples(paths: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the examples into an OpenAPI document's paths, of problems the one most likely of their status."""
    problems, answers = _problems(), {**ANSWERS, **ADMIN_ANSWERS}
    for path, operations in paths.items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _add(content, BODIES.get((method, path)))
            for status, response in operation["responses"].items():
                example = problems.get(int(status)) if int(status) >= 400 else answers.get((method, path))
                for content in response.get("content", {}).values():
                    _add(content, example)


def _add(content: dict[str, Any], example: Any) -> None:
    if example is not None and not {"example", "examples"} & content.keys():
        content["example"] = example


def _problems() -> Mapping[int, Mapping[str, Any]]:
    """The first problem of each status, as it is answered."""
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
