-- Returns to scores without a what-if.

DROP VIEW upcoming_sessions, latest_scores, score_history;

ALTER TABLE scores DROP COLUMN what_if;

CREATE VIEW score_history AS
SELECT id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at
FROM scores;

CREATE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;

CREATE VIEW upcoming_sessions AS
SELECT
    sessions.session_id, sessions.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS tutor_name, sessions.student_id,
    sessions.starts_at, score.value AS no_show, score.low AS no_show_low, score.high AS no_show_high,
    score.reasons, score.action, score.model_version, score.as_of
FROM sessions
JOIN tutors USING (tutor_id)
LEFT JOIN LATERAL latest_score('session', sessions.session_id, 'no_show') AS score ON true
WHERE sessions.status = 'booked';
