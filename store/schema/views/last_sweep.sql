-- Moment of the newest scores of tutors.
CREATE OR REPLACE VIEW last_sweep AS
SELECT max(as_of) AS as_of FROM scores WHERE kind = 'help';
