-- API keys, rate-limit counters and the audit log.

CREATE TABLE api_keys (
    id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    scopes text[],
    tutor_id text,
    secret_sha256 text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT ck_api_keys_role CHECK (role IN ('ingest', 'read', 'admin', 'tutor')),
    CONSTRAINT ck_api_keys_tutor CHECK ((role = 'tutor') = (tutor_id IS NOT NULL))
);
CREATE TRIGGER tell_listeners AFTER INSERT OR UPDATE OF revoked_at, expires_at OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION tell_listeners();

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    subject_id text,
    request_id text,
    detail jsonb,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE INDEX ix_audit_subject_id_at ON audit (subject_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE UNLOGGED TABLE rate_limits (
    key text NOT NULL,
    count integer NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_rate_limits PRIMARY KEY (key)
);
