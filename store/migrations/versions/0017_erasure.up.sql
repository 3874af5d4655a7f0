-- Ids of erased people are kept as a keyed hash only (ADR 20).

CREATE TABLE erasure_secret (
    single boolean NOT NULL DEFAULT true,
    secret bytea NOT NULL,
    CONSTRAINT pk_erasure_secret PRIMARY KEY (single),
    CONSTRAINT ck_erasure_secret_single CHECK (single)
);
INSERT INTO erasure_secret (secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE FUNCTION erasure_hash(kind text, id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(secret || sha256(secret || convert_to($1 || ':' || $2, 'UTF8'))), 'hex') FROM erasure_secret
$$;

CREATE TABLE erased_ids (
    kind text NOT NULL,
    hash text NOT NULL,
    erased_at timestamptz NOT NULL,
    CONSTRAINT pk_erased_ids PRIMARY KEY (kind, hash),
    CONSTRAINT ck_erased_ids_kind CHECK (kind IN ('tutor', 'student', 'session'))
);

ALTER TABLE tutors ADD COLUMN erased_at timestamptz;
ALTER TABLE students ADD COLUMN erased_at timestamptz;

-- Tutors deleted before this version get their tombstone here; the next import or `tqs erase` of the id erases the rest.
INSERT INTO erased_ids (kind, hash, erased_at)
SELECT 'tutor', erasure_hash('tutor', id), happened_at FROM latest_events WHERE kind = 'tutor' AND deleted;
UPDATE tutors SET erased_at = l.happened_at FROM latest_events AS l
WHERE l.kind = 'tutor' AND l.deleted AND l.id = tutors.tutor_id;
ALTER TABLE latest_events DROP COLUMN deleted;

-- Indexes by which an erasure finds a person's data.
DROP INDEX ix_inbox_tutors;
CREATE INDEX ix_inbox_tutors ON inbox ((body -> 'data' ->> 'tutor_id'))
WHERE body -> 'data' ->> 'tutor_id' IS NOT NULL;
CREATE INDEX ix_inbox_students ON inbox ((body -> 'data' ->> 'student_id'))
WHERE body -> 'data' ->> 'student_id' IS NOT NULL;
CREATE INDEX ix_inbox_transcripts ON inbox ((body -> 'data' ->> 'session_id')) WHERE type = 'transcript.ready';
CREATE INDEX ix_sessions_student_id ON sessions (student_id);
CREATE INDEX ix_messages_student_id ON messages (student_id);
CREATE INDEX ix_reschedules_session_id ON reschedules (session_id);

-- An erasure may update rows of these tables and names itself in its transaction; all other changes are rejected as before.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purpose text := coalesce(current_setting('tqs.purpose', true), '');
BEGIN
    IF purpose = 'erase' AND TG_OP = 'UPDATE'
        AND TG_TABLE_NAME IN ('scores', 'shadow_scores', 'contacts', 'contact_events', 'audit') THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
