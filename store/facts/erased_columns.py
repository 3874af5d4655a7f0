"""Treatment of each text column by an erasure, by table. A test compares the map with the schema."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Treatment(StrEnum):
    """Treatment of a column by an erasure."""

    RANDOM = "the id is replaced by a random one"
    EMPTIED = "emptied in rows about the person"
    DELETED = "the row is deleted"
    WIPED_ROW = "emptied with the event's content; the key too where it names the person"
    HASHED = "a keyed hash"
    THING = "kept: an id of a session, message, reschedule, event or model, which names nobody"
    FIXED = "kept: a value from a fixed list, a type, a unit or a time zone"
    OURS = "kept: written by an operator or by this program, never from data about tutors or students"


R = Treatment
ERASED_COLUMNS: Mapping[str, Mapping[str, Treatment]] = MappingProxyType(
    {
        "tutors": {"tutor_id": R.RANDOM, "name": R.EMPTIED, "email": R.EMPTIED, "timezone": R.FIXED}
        | {"attributes": R.EMPTIED},
        "students": {"student_id": R.RANDOM, "timezone": R.FIXED},
        "sessions": {"session_id": R.THING, "tutor_id": R.RANDOM, "student_id": R.RANDOM, "status": R.FIXED}
        | {"initiated_by": R.FIXED, "attributes": R.EMPTIED},
        "reschedules": {"reschedule_id": R.THING, "session_id": R.THING, "tutor_id": R.RANDOM, "initiator": R.FIXED}
        | {"reason_text": R.EMPTIED, "reason_code": R.FIXED},
        "messages": {"message_id": R.THING, "tutor_id": R.RANDOM, "student_id": R.RANDOM, "sender": R.FIXED}
        | {"recipient": R.FIXED},
        "transcripts": {"session_id": R.DELETED, "text": R.DELETED},
        "attribute_definitions": {"kind": R.FIXED, "name": R.OURS, "type": R.FIXED} | {"known_when_asked": R.OURS},
        "dataset_facts": {"histories": R.OURS},
        "scores": {"subject_kind": R.FIXED, "subject_id": R.RANDOM, "kind": R.FIXED, "reasons": R.EMPTIED}
        | {"action": R.FIXED, "model_version": R.THING, "what_if": R.EMPTIED},
        "shadow_scores": {"subject_kind": R.FIXED, "subject_id": R.RANDOM, "kind": R.FIXED, "model_version": R.THING},
        "score_changes": dict.fromkeys(
            ("tutor_id", "subject_kind", "subject_id", "kind", "band", "previous_band", "model_version"), R.DELETED
        ),
        # A webhook about a tutor is deleted with its attempts; a mail is emptied and its attempts are deleted.
        "outgoing_messages": {"channel": R.FIXED, "key": R.OURS, "type": R.FIXED, "body": R.EMPTIED}
        | {"attachment": R.EMPTIED, "status": R.FIXED},
        "delivery_attempts": {"error": R.DELETED},
        "change_cursors": {"consumer": R.FIXED},
        "quality_requests": {"id": R.THING, "session_id": R.THING, "requested_by": R.OURS, "status": R.FIXED}
        | {"scorer": R.FIXED, "result": R.EMPTIED},
        "inbox": {"source": R.FIXED, "key": R.WIPED_ROW, "body": R.WIPED_ROW, "error": R.WIPED_ROW, "type": R.FIXED}
        | {"body_sha256": R.WIPED_ROW},
        "latest_events": {"kind": R.FIXED, "id": R.DELETED, "event_id": R.HASHED},
        "erasure_secret": {"secret": R.OURS},
        "erased_ids": {"kind": R.FIXED, "hash": R.HASHED},
        "api_keys": {"id": R.OURS, "name": R.EMPTIED, "role": R.FIXED, "scopes": R.FIXED, "tutor_id": R.RANDOM}
        | {"secret_sha256": R.OURS, "created_by": R.OURS},
        "audit": {"actor": R.OURS, "role": R.FIXED, "action": R.FIXED, "subject_id": R.RANDOM}
        | {"request_id": R.THING, "detail": R.EMPTIED},
        "rate_limits": {"key": R.OURS},
        "contact_plans": {},
        "contacts": {"tutor_id": R.RANDOM, "arm": R.FIXED, "action": R.FIXED},
        "contact_sessions": {"session_id": R.THING},
        "contact_events": {"status": R.FIXED, "actor": R.OURS, "note": R.EMPTIED},
        "contact_effects": {"effects": R.OURS},
        "model_artifacts": {"sha256": R.THING, "model": R.OURS},
        "model_ledger": dict.fromkeys(
            ("name", "version", "sha256", "sidecar", "action", "actor", "reason", "decision", "card"), R.OURS
        ),
        "model_comparisons": dict.fromkeys(("name", "challenger", "champion", "decision"), R.OURS),
        "retention_marks": {"name": R.OURS},
        "schedules": {"flow": R.OURS, "cron": R.OURS},
        "flow_runs": {"flow": R.OURS, "outcome": R.FIXED, "error": R.OURS},
        "workers": {"host": R.OURS},
        "tuned_params": dict.fromkeys(("task", "params", "study", "data_fingerprint", "features_sha256"), R.OURS),
    }
)
"""By table and column."""
