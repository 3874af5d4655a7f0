"""SQL statements of an erasure.

Parameters: `old` and `new` id, `sessions` of the person, `names` (id, name and address), `at` and `now`.
"""

from sqlalchemy import TextClause, text

ERASED = '{"erased": true}'
"""JSON body of an event whose content was erased."""

SESSIONS_OF = {kind: text(f"SELECT session_id FROM sessions WHERE {kind}_id = :old") for kind in ("tutor", "student")}
NAMED = {
    "tutor": text("SELECT unnest(ARRAY[name, email]) FROM tutors WHERE tutor_id = :old"),
    "student": text("SELECT student_id FROM students WHERE student_id = :old"),
}


def wipe(names_them: str) -> str:
    """Beginning of a statement that wipes the content of inbox rows.

    An event's id is kept, so that the event is recognized if sent again, unless the condition `names_them` is true.
    """
    return f"""
        UPDATE inbox SET
            body = '{ERASED}', body_sha256 = NULL, error = CASE WHEN error IS NOT NULL THEN 'erased' END,
            processed_at = CASE WHEN parked_at IS NOT NULL THEN coalesce(processed_at, parked_at) ELSE processed_at END,
            parked_at = NULL,
            key = CASE WHEN {names_them} THEN 'erased:' || id || ':' || erasure_hash('event', key) ELSE key END
    """


_WIPE_NAMED = wipe("EXISTS (SELECT FROM unnest(CAST(:names AS text[])) AS name WHERE strpos(key, name) > 0)")
_TRANSCRIPTS = text(f"""
    {_WIPE_NAMED} WHERE type = 'transcript.ready' AND body -> 'data' ->> 'session_id' = ANY (:sessions)
""")
# An unreadable event may contain the person anywhere.
_PARKED = text(f"""
    {_WIPE_NAMED} WHERE parked_at IS NOT NULL AND EXISTS (
        SELECT FROM unnest(CAST(:names AS text[])) AS name
        WHERE jsonb_path_exists(body, '$.** ? (@ == $name)', jsonb_build_object('name', name))
            OR name ~ '^[0-9]{{1,18}}$'
                AND jsonb_path_exists(body, '$.** ? (@ == $name)', jsonb_build_object('name', name::numeric))
    )
""")
OF_INBOX: dict[str, tuple[TextClause, ...]] = {
    "tutor": (
        text(f"{_WIPE_NAMED} WHERE body -> 'data' ->> 'tutor_id' = :old"),
        _TRANSCRIPTS,
        _PARKED,
    ),
    # Waiting events are still to be applied for the tutor; applying them wipes them.
    "student": (
        text(f"""
            {_WIPE_NAMED} WHERE body -> 'data' ->> 'student_id' = :old
                AND (processed_at IS NOT NULL OR type LIKE 'student.%')
        """),
        _TRANSCRIPTS,
        _PARKED,
    ),
}

_WEBHOOKS = """
    channel = 'webhook'
    AND jsonb_path_exists(body, '$.** ? (@ == $name)', jsonb_build_object('name', CAST(:old AS text)))
"""
OF_TUTOR: tuple[TextClause, ...] = (
    text("""
        INSERT INTO tutors (tutor_id, timezone, started_at, departed_at, erased_at)
        SELECT :new, timezone, started_at, coalesce(departed_at, greatest(started_at, :at)), :now
        FROM tutors WHERE tutor_id = :old
    """),
    text("UPDATE sessions SET tutor_id = :new WHERE tutor_id = :old"),
    text("UPDATE reschedules SET tutor_id = :new, reason_text = NULL WHERE tutor_id = :old"),
    text("UPDATE messages SET tutor_id = :new WHERE tutor_id = :old"),
    text("UPDATE contacts SET tutor_id = :new WHERE tutor_id = :old"),
    text("""
        UPDATE contact_events SET note = NULL
        WHERE note IS NOT NULL AND contact_id IN (SELECT id FROM contacts WHERE tutor_id = :new)
    """),
    text("DELETE FROM tutors WHERE tutor_id = :old"),
    text("""
        UPDATE scores SET subject_id = :new, reasons = '[]', what_if = NULL
        WHERE subject_kind = 'tutor' AND subject_id = :old
    """),
    text("UPDATE shadow_scores SET subject_id = :new WHERE subject_kind = 'tutor' AND subject_id = :old"),
    text("DELETE FROM score_changes WHERE tutor_id = :old"),
    text(f"""
        DELETE FROM delivery_attempts WHERE message_id IN (SELECT id FROM outgoing_messages WHERE {_WEBHOOKS})
    """),
    text(f"DELETE FROM outgoing_messages WHERE {_WEBHOOKS}"),
    text("DELETE FROM latest_events WHERE kind = 'tutor' AND id = :old"),
    text("UPDATE audit SET subject_id = :new, detail = NULL WHERE subject_id = :old"),
    text("""
        UPDATE api_keys SET tutor_id = :new, name = 'erased', revoked_at = coalesce(revoked_at, :now)
        WHERE tutor_id = :old
    """),
    # The row about a key's creation names its tutor.
    text("""
        UPDATE audit SET detail = NULL
        WHERE subject_id IN (SELECT id FROM api_keys WHERE tutor_id = :new) AND detail IS NOT NULL
    """),
    # Whole words only: an id such as 7 is part of many numbers.
    text("""
        WITH mails AS (
            UPDATE outgoing_messages SET
                attachment = NULL,
                body = body || '{"subject": "erased", "text": "erased", "html": null, "attachment_name": null}'
            WHERE channel = 'mail' AND EXISTS (
                SELECT FROM unnest(CAST(:names AS text[])) AS name
                CROSS JOIN LATERAL (
                    SELECT '(?<!\\w)' || regexp_replace(name, '(\\W)', '\\\\\\1', 'g') || '(?!\\w)'
                ) AS whole (word)
                WHERE length(name) > 2 AND (
                    body ->> 'subject' ~ word OR body ->> 'text' ~ word OR body ->> 'to' ~ word
                    OR body ->> 'html' ~ word
                    OR position(convert_to(name, 'UTF8') IN coalesce(attachment, '')) > 0
                )
            )
            RETURNING id
        )
        DELETE FROM delivery_attempts WHERE message_id IN (SELECT id FROM mails)
    """),
)
"""Statements that erase a tutor outside the inbox."""

OF_STUDENT: tuple[TextClause, ...] = (
    text("""
        INSERT INTO students (student_id, timezone, started_at, erased_at)
        SELECT :new, timezone, started_at, :now FROM students WHERE student_id = :old
    """),
    text("UPDATE sessions SET student_id = :new WHERE student_id = :old"),
    text("UPDATE messages SET student_id = :new WHERE student_id = :old"),
    text("DELETE FROM students WHERE student_id = :old"),
    text("""
        UPDATE tutors SET history_stamp = gen_random_uuid() WHERE tutor_id IN (
            SELECT tutor_id FROM sessions WHERE student_id = :new
            UNION SELECT tutor_id FROM messages WHERE student_id = :new
        )
    """),
)
"""Statements that erase a student outside the inbox."""

SHARED: tuple[TextClause, ...] = (
    text("UPDATE sessions SET attributes = '{}' WHERE session_id = ANY (:sessions) AND attributes <> '{}'"),
    text("""
        UPDATE reschedules SET reason_text = NULL WHERE session_id = ANY (:sessions) AND reason_text IS NOT NULL
    """),
    text("DELETE FROM transcripts WHERE session_id = ANY (:sessions)"),
    text("""
        UPDATE quality_requests SET result = NULL, status = 'failed'
        WHERE session_id = ANY (:sessions) AND (result IS NOT NULL OR status <> 'failed')
    """),
    text("""
        UPDATE scores SET reasons = '[]', what_if = NULL
        WHERE subject_kind = 'session' AND subject_id = ANY (:sessions)
            AND (reasons <> '[]' OR what_if IS NOT NULL)
    """),
    text("""
        UPDATE latest_events SET event_id = erasure_hash('event', event_id)
        WHERE kind IN ('session', 'session attributes', 'transcript') AND id = ANY (:sessions)
            AND event_id !~ '^[0-9a-f]{64}$'
    """),
)
"""Statements that erase text in sessions the person shared with others."""
