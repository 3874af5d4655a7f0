"""Examples of response bodies of the admin and OAuth routes, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

_AT = "2026-11-23T17:00:00Z"
_KEY = {
    "id": "6f1c0b9e", "name": "Rails, production", "role": "read", "scopes": ["scores:read"], "tutor_id": None,
    "created_at": _AT, "created_by": "installation", "expires_at": None, "revoked_at": None, "last_used_at": None,
}  # fmt: skip
_DELIVERY = {
    "id": 91, "event_id": "evt_score_311", "type": "score.changed", "created_at": _AT, "due_at": _AT, "tries": 2,
    "delivered_at": None, "failed_at": None, "status_code": 500, "error": "answered 500",
}  # fmt: skip
_ATTEMPT = {"at": _AT, "status_code": 500, "error": "answered 500", "seconds": 0.12}

NEW_KEY: Mapping[str, Any] = _KEY | {"key": "tqs_live_6f1c0b9e_…"}
KEY_LIST: Mapping[str, Any] = {"keys": [_KEY]}
AUDIT_LOG: Mapping[str, Any] = {
    "rows": [
        {
            "id": 812, "at": _AT, "actor": "6f1c0b9e", "role": "read",
            "action": "GET /api/tutors/{tutor_id}/scores", "subject_id": "tutor-17",
            "request_id": "9f1c2ab07d5e4c3f8a6b", "detail": None,
        }
    ],
    "before": None,
}  # fmt: skip
INBOX: Mapping[str, Any] = {
    "waiting": 0,
    "parked": 1,
    "oldest_waiting": None,
    "events": [
        {
            "id": 4711, "event_id": "evt-1", "type": "transcript.ready", "received_at": _AT, "tries": 5,
            "due_at": None, "parked_at": "2026-11-23T18:00:00Z", "error": "its session is not known yet",
        }
    ],
    "next_after": None,
}  # fmt: skip
DELIVERIES: Mapping[str, Any] = {"deliveries": [_DELIVERY], "next_before": None}
RETRIED: Mapping[str, Any] = {"retried": [17, 18]}
DELIVERY: Mapping[str, Any] = _DELIVERY | {"attempts": [_ATTEMPT]}
REPLAYED: Mapping[str, Any] = {"replayed": [91]}
ALL_REPLAYED: Mapping[str, Any] = {"replayed": [91, 92]}
ACCESS_TOKEN: Mapping[str, Any] = {
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…",
    "token_type": "Bearer",
    "expires_in": 600,
    "scope": "scores:read",
}
