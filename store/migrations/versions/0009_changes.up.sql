-- Tuned parameters are append-only.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tuned_params
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Score changes, their deliveries to Rails, and quality requests for transcripts.

ALTER TABLE scores DROP CONSTRAINT ck_scores_kind;
ALTER TABLE scores ADD CONSTRAINT ck_scores_kind CHECK (kind IN (
    'no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help', 'reschedule_rate_7d',
    'reschedule_rate_30d', 'reschedule_rate_90d', 'session_quality', 'first_session_quality'
));

CREATE TABLE score_changes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tutor_id text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    kind text NOT NULL,
    value double precision NOT NULL,
    band text NOT NULL,
    previous_value double precision,
    previous_band text,
    model_version text NOT NULL,
    as_of timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_score_changes PRIMARY KEY (id)
);
CREATE INDEX ix_score_changes_tutor_id_id ON score_changes (tutor_id, id);
CREATE INDEX ix_score_changes_told ON score_changes (subject_kind, subject_id, kind, id);
CREATE TRIGGER tell_listeners AFTER INSERT ON score_changes
    FOR EACH STATEMENT EXECUTE FUNCTION tell_listeners();

CREATE TABLE webhook_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id text NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    lease uuid,
    leased_until timestamptz,
    delivered_at timestamptz,
    failed_at timestamptz,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT uq_webhook_deliveries_event_id UNIQUE (event_id)
);
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (due_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE TRIGGER tell_listeners AFTER INSERT ON webhook_deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION tell_listeners();

-- Last score change that Rails has been notified of, or will be by a stored delivery.
CREATE TABLE webhook_cursor (
    single boolean DEFAULT true NOT NULL,
    change_id bigint NOT NULL,
    CONSTRAINT pk_webhook_cursor PRIMARY KEY (single),
    CONSTRAINT ck_webhook_cursor_single CHECK (single)
);

CREATE TABLE webhook_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    delivery_id bigint NOT NULL,
    at timestamptz NOT NULL,
    status_code integer,
    error text,
    seconds double precision NOT NULL,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (id),
    CONSTRAINT fk_webhook_attempts_delivery_id FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries (id)
);
CREATE INDEX ix_webhook_attempts_delivery_id ON webhook_attempts (delivery_id);

CREATE TABLE quality_requests (
    id text NOT NULL,
    session_id text NOT NULL,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    status text DEFAULT 'accepted' NOT NULL,
    scorer text,
    result jsonb,
    finished_at timestamptz,
    CONSTRAINT pk_quality_requests PRIMARY KEY (id),
    CONSTRAINT ck_quality_requests_status CHECK (status IN ('accepted', 'scored', 'withheld', 'failed'))
);
CREATE INDEX ix_quality_requests_session_id ON quality_requests (session_id);
