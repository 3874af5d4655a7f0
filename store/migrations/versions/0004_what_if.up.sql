-- The single change that would lower a score most, as {change, value, difference}; null if there is none.

ALTER TABLE scores ADD COLUMN what_if jsonb;

CREATE OR REPLACE VIEW score_history AS
SELECT id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if
FROM scores;

CREATE OR REPLACE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;

CREATE OR REPLACE VIEW upcoming_sessions AS
SELECT
    sessions.session_id, sessions.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS tutor_name, sessions.student_id,
    sessions.starts_at, score.value AS no_show, score.low AS no_show_low, score.high AS no_show_high,
    score.reasons, score.action, score.model_version, score.as_of, tutors.timezone, score.what_if
FROM sessions
JOIN tutors USING (tutor_id)
LEFT JOIN LATERAL latest_score('session', sessions.session_id, 'no_show') AS score ON true
WHERE sessions.status = 'booked';
