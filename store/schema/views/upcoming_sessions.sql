-- Booked sessions with their newest no-show score.
CREATE OR REPLACE VIEW upcoming_sessions AS
SELECT
    sessions.session_id, sessions.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS tutor_name, sessions.student_id,
    sessions.starts_at, score.value AS no_show, score.low AS no_show_low, score.high AS no_show_high,
    score.reasons, score.action, score.model_version, score.as_of, tutors.timezone, score.what_if
FROM sessions
JOIN tutors USING (tutor_id)
LEFT JOIN LATERAL latest_score('session', sessions.session_id, 'no_show') AS score ON true
WHERE sessions.status = 'booked';
