"""Which scores of sessions say something new: a session's quality is scored once for each rating."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from domain.scores import Score

_LOCK = text("""
    SELECT session_id FROM sessions WHERE session_id = ANY (:ids) ORDER BY session_id FOR NO KEY UPDATE
""")
_SAID = text("""
    SELECT s.subject_id, s.kind, s.value, s.model_version
    FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[])) AS asked (id, kind)
    CROSS JOIN LATERAL latest_score('session', asked.id, asked.kind) AS s
""")


def news(connection: Connection, scores: Sequence[Score]) -> list[Score]:
    """Those scores of sessions of which the newest stored one has another value or is by another version.

    Until the caller's transaction ends nobody else can ask about the same sessions.
    """
    if not scores:
        return []
    ids = [score.subject_id for score in scores]
    connection.execute(_LOCK, {"ids": ids})  # a statement of its own: the next one then sees what we waited for
    found = connection.execute(_SAID, {"ids": ids, "kinds": [score.kind for score in scores]})
    said = {(row.subject_id, row.kind, row.value, row.model_version) for row in found}
    return [s for s in scores if (s.subject_id, s.kind, s.value, s.model_version) not in said]
