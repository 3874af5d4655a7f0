-- Tutors by the name that pages show.
CREATE OR REPLACE VIEW tutor_profiles AS
SELECT tutor_id, coalesce(name, tutor_id) AS name, timezone, started_at, departed_at FROM tutors;
