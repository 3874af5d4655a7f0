-- Time of the export from which an import last wrote a row: an earlier event must not overwrite the row.
ALTER TABLE tutors ADD COLUMN exported_at timestamptz;
ALTER TABLE sessions ADD COLUMN exported_at timestamptz, ADD COLUMN attributes_exported_at timestamptz;
ALTER TABLE transcripts ADD COLUMN exported_at timestamptz;
