CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
DROP INDEX ix_reschedules_session_id;
DROP INDEX ix_messages_student_id;
DROP INDEX ix_sessions_student_id;
DROP INDEX ix_inbox_transcripts;
DROP INDEX ix_inbox_students;
DROP INDEX ix_inbox_tutors;
CREATE INDEX ix_inbox_tutors ON inbox ((body -> 'data' ->> 'tutor_id')) WHERE type = 'tutor.updated';
ALTER TABLE latest_events ADD COLUMN deleted boolean NOT NULL DEFAULT false;
ALTER TABLE students DROP COLUMN erased_at;
ALTER TABLE tutors DROP COLUMN erased_at;
DROP TABLE erased_ids;
DROP FUNCTION erasure_hash(text, text);
DROP TABLE erasure_secret;
