-- Sessions without their attributes.
CREATE OR REPLACE VIEW tutor_sessions AS
SELECT
    session_id, tutor_id, student_id, booked_at, starts_at, ends_at, status, outcome_known_at, initiated_by,
    late_minutes, rating
FROM sessions;
