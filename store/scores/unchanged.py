"""Filter of session scores that equal the stored one."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from domain.scores import Score

_LOCK = text("""
    SELECT session_id FROM sessions WHERE session_id = ANY (:ids) ORDER BY session_id FOR NO KEY UPDATE
""")
_STORED = text("""
    SELECT s.subject_id, s.kind, s.value, s.model_version
    FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[])) AS requested (id, kind)
    CROSS JOIN LATERAL latest_score('session', requested.id, requested.kind) AS s
""")


def news(connection: Connection, scores: Sequence[Score]) -> list[Score]:
    """Session scores that differ from the newest stored one in value or model version.

    Locks the sessions until the caller's transaction ends, so that no other transaction decides about them.
    """
    if not scores:
        return []
    ids = [score.subject_id for score in scores]
    connection.execute(_LOCK, {"ids": ids})  # separate, so that the next statement reads rows committed while waiting
    rows = connection.execute(_STORED, {"ids": ids, "kinds": [score.kind for score in scores]})
    stored = {(row.subject_id, row.kind, row.value, row.model_version) for row in rows}
    return [s for s in scores if (s.subject_id, s.kind, s.value, s.model_version) not in stored]
