-- Tables of the first release. The tables equal store/schema/tables.py; a test compares them.

-- Facts: one table per kind of record, as described in domain/schema.py.

CREATE TABLE tutors (
    tutor_id text NOT NULL,
    name text,
    email text,
    timezone text,
    started_at timestamptz,
    departed_at timestamptz,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_tutors PRIMARY KEY (tutor_id),
    CONSTRAINT ck_tutors_started_at_before_departed_at CHECK (started_at <= departed_at)
);

CREATE TABLE students (
    student_id text NOT NULL,
    timezone text,
    started_at timestamptz,
    CONSTRAINT pk_students PRIMARY KEY (student_id)
);

CREATE TABLE sessions (
    session_id text NOT NULL,
    tutor_id text NOT NULL,
    student_id text,
    booked_at timestamptz NOT NULL,
    scheduled_at timestamptz,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    status text NOT NULL,
    outcome_known_at timestamptz,
    initiated_by text,
    late_minutes double precision,
    duration_minutes double precision,
    rating double precision,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (session_id),
    CONSTRAINT ck_sessions_status CHECK (status IN ('booked', 'completed', 'no_show', 'student_no_show', 'cancelled')),
    CONSTRAINT ck_sessions_initiated_by CHECK (initiated_by IN ('tutor', 'student', 'platform')),
    CONSTRAINT ck_sessions_booked_at_before_starts_at CHECK (booked_at <= starts_at),
    CONSTRAINT ck_sessions_booked_at_before_scheduled_at CHECK (booked_at <= scheduled_at),
    CONSTRAINT ck_sessions_starts_at_before_ends_at CHECK (starts_at <= ends_at),
    CONSTRAINT fk_sessions_tutor_id FOREIGN KEY (tutor_id) REFERENCES tutors (tutor_id),
    CONSTRAINT fk_sessions_student_id FOREIGN KEY (student_id) REFERENCES students (student_id)
);
CREATE INDEX ix_sessions_booked ON sessions (starts_at) WHERE status = 'booked';
CREATE INDEX ix_sessions_tutor_id_starts_at ON sessions (tutor_id, starts_at);

CREATE TABLE reschedules (
    reschedule_id text NOT NULL,
    session_id text NOT NULL,
    tutor_id text NOT NULL,
    initiator text NOT NULL,
    requested_at timestamptz NOT NULL,
    old_starts_at timestamptz NOT NULL,
    new_starts_at timestamptz NOT NULL,
    reason_text text,
    reason_code text,
    notice_hours double precision GENERATED ALWAYS AS (
        ((EXTRACT(epoch FROM (old_starts_at - requested_at)) / 3600.0))::double precision
    ) STORED,
    CONSTRAINT pk_reschedules PRIMARY KEY (reschedule_id),
    CONSTRAINT ck_reschedules_initiator CHECK (initiator IN ('tutor', 'student', 'platform')),
    CONSTRAINT ck_reschedules_reason_code CHECK (reason_code IN ('illness', 'family', 'technical', 'schedule_conflict', 'other_work', 'student_request', 'unclear')),
    CONSTRAINT fk_reschedules_session_id FOREIGN KEY (session_id) REFERENCES sessions (session_id),
    CONSTRAINT fk_reschedules_tutor_id FOREIGN KEY (tutor_id) REFERENCES tutors (tutor_id)
);
CREATE INDEX ix_reschedules_tutor_id_requested_at ON reschedules (tutor_id, requested_at);

CREATE TABLE messages (
    message_id text NOT NULL,
    tutor_id text NOT NULL,
    student_id text,
    sent_at timestamptz NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    CONSTRAINT pk_messages PRIMARY KEY (message_id),
    CONSTRAINT ck_messages_sender CHECK (sender IN ('tutor', 'student', 'platform')),
    CONSTRAINT ck_messages_recipient CHECK (recipient IN ('tutor', 'student', 'platform')),
    CONSTRAINT fk_messages_tutor_id FOREIGN KEY (tutor_id) REFERENCES tutors (tutor_id),
    CONSTRAINT fk_messages_student_id FOREIGN KEY (student_id) REFERENCES students (student_id)
);
CREATE INDEX ix_messages_tutor_id_sent_at ON messages (tutor_id, sent_at);

CREATE TABLE transcripts (
    session_id text NOT NULL,
    known_at timestamptz NOT NULL,
    text text NOT NULL,
    CONSTRAINT pk_transcripts PRIMARY KEY (session_id),
    CONSTRAINT fk_transcripts_session_id FOREIGN KEY (session_id) REFERENCES sessions (session_id)
);

CREATE TABLE attribute_definitions (
    kind text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    late boolean NOT NULL,
    position integer NOT NULL,
    CONSTRAINT pk_attribute_definitions PRIMARY KEY (kind, name),
    CONSTRAINT ck_attribute_definitions_kind CHECK (kind IN ('tutors', 'sessions')),
    CONSTRAINT ck_attribute_definitions_type CHECK (type IN ('numeric', 'categorical'))
);

CREATE TABLE dataset_facts (
    single boolean DEFAULT true NOT NULL,
    departures_given boolean NOT NULL,
    CONSTRAINT pk_dataset_facts PRIMARY KEY (single),
    CONSTRAINT ck_dataset_facts_single CHECK (single)
);

CREATE TABLE scores (
    id bigint GENERATED ALWAYS AS IDENTITY,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    kind text NOT NULL,
    value double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    reasons jsonb NOT NULL,
    action text,
    model_version text NOT NULL,
    as_of timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_scores PRIMARY KEY (id),
    CONSTRAINT ck_scores_subject_kind CHECK (subject_kind IN ('tutor', 'session')),
    CONSTRAINT ck_scores_kind CHECK (kind IN ('no_show', 'no_show_14d', 'churn_30d', 'help')),
    CONSTRAINT ck_scores_fractions CHECK (value BETWEEN 0 AND 1 AND low BETWEEN 0 AND 1 AND high BETWEEN 0 AND 1)
);
CREATE INDEX ix_scores_as_of ON scores (kind, as_of);
CREATE INDEX ix_scores_latest ON scores (subject_kind, subject_id, kind, as_of, id);

CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    key text NOT NULL,
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    processed_at timestamptz,
    error text,
    CONSTRAINT pk_inbox PRIMARY KEY (id),
    CONSTRAINT uq_inbox_key UNIQUE (key)
);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    attachment_name text,
    attachment bytea,
    created_at timestamptz NOT NULL,
    claimed_at timestamptz,
    sent_at timestamptz,
    status text DEFAULT 'pending' NOT NULL,
    error text,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT ck_outbox_status CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'unknown')),
    CONSTRAINT ck_outbox_one_line CHECK (recipient !~ '[\r\n]' AND subject !~ '[\r\n]'),
    CONSTRAINT ck_outbox_attachment CHECK ((attachment_name IS NULL) = (attachment IS NULL)),
    CONSTRAINT uq_outbox_key UNIQUE (key)
);
CREATE INDEX ix_outbox_unsent ON outbox (id) WHERE status IN ('pending', 'sending', 'unknown');

CREATE TABLE model_artifacts (
    sha256 text NOT NULL,
    model bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_model_artifacts PRIMARY KEY (sha256)
);

CREATE TABLE model_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    version text NOT NULL,
    sha256 text NOT NULL,
    sidecar jsonb NOT NULL,
    action text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_model_ledger PRIMARY KEY (id),
    CONSTRAINT ck_model_ledger_action CHECK (action IN ('champion')),
    CONSTRAINT fk_model_ledger_sha256 FOREIGN KEY (sha256) REFERENCES model_artifacts (sha256)
);
CREATE INDEX ix_model_ledger_latest ON model_ledger (name, action, id);

-- Scores and models are append-only; otherwise a score could not be traced to its model later.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON scores
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_artifacts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Functions and views read by the pages and the API.

CREATE FUNCTION latest_score(subject_kind text, subject_id text, kind text) RETURNS SETOF scores LANGUAGE sql STABLE
AS $$
    SELECT * FROM scores s
    WHERE s.subject_kind = $1 AND s.subject_id = $2 AND s.kind = $3
    ORDER BY s.as_of DESC, s.id DESC
    LIMIT 1
$$;

CREATE VIEW score_history AS
SELECT id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at
FROM scores;

CREATE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;

CREATE VIEW last_sweep AS
SELECT max(as_of) AS as_of FROM scores WHERE kind = 'help';

-- One index probe per tutor and kind, so that a year of hourly scores costs no more than a day of them.
-- A tutor whose last score is a day older than the newest score is no longer scored: inactive, so not ranked.
CREATE VIEW ranked_tutors AS
SELECT
    tutors.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS name, tutors.timezone,
    help.value AS help, help.low AS help_low, help.high AS help_high,
    no_show.value AS no_show_14d, no_show.low AS no_show_14d_low, no_show.high AS no_show_14d_high,
    churn.value AS churn_30d, churn.low AS churn_30d_low, churn.high AS churn_30d_high,
    help.reasons, help.action, help.model_version, help.as_of
FROM tutors
CROSS JOIN last_sweep
CROSS JOIN LATERAL latest_score('tutor', tutors.tutor_id, 'help') AS help
LEFT JOIN LATERAL latest_score('tutor', tutors.tutor_id, 'no_show_14d') AS no_show ON true
LEFT JOIN LATERAL latest_score('tutor', tutors.tutor_id, 'churn_30d') AS churn ON true
WHERE help.as_of > last_sweep.as_of - interval '1 day';

CREATE VIEW tutor_profiles AS
SELECT tutor_id, coalesce(name, tutor_id) AS name, timezone, started_at, departed_at FROM tutors;

CREATE VIEW tutor_sessions AS
SELECT
    session_id, tutor_id, student_id, booked_at, starts_at, ends_at, status, outcome_known_at, initiated_by,
    late_minutes, rating
FROM sessions;

CREATE VIEW upcoming_sessions AS
SELECT
    sessions.session_id, sessions.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS tutor_name, sessions.student_id,
    sessions.starts_at, score.value AS no_show, score.low AS no_show_low, score.high AS no_show_high,
    score.reasons, score.action, score.model_version, score.as_of
FROM sessions
JOIN tutors USING (tutor_id)
LEFT JOIN LATERAL latest_score('session', sessions.session_id, 'no_show') AS score ON true
WHERE sessions.status = 'booked';
