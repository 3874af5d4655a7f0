ALTER TABLE transcripts DROP COLUMN exported_at;
ALTER TABLE sessions DROP COLUMN attributes_exported_at, DROP COLUMN exported_at;
ALTER TABLE tutors DROP COLUMN exported_at;
