CREATE TABLE webhook_cursor (
    single boolean DEFAULT true NOT NULL,
    change_id bigint NOT NULL,
    CONSTRAINT pk_webhook_cursor PRIMARY KEY (single),
    CONSTRAINT ck_webhook_cursor_single CHECK (single)
);
INSERT INTO webhook_cursor (change_id) SELECT change_id FROM change_cursors WHERE consumer = 'webhook';
DROP TABLE change_cursors;

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
    html text,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT ck_outbox_status CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'unknown')),
    CONSTRAINT ck_outbox_one_line CHECK (recipient !~ '[\r\n]' AND subject !~ '[\r\n]'),
    CONSTRAINT ck_outbox_attachment CHECK ((attachment_name IS NULL) = (attachment IS NULL)),
    CONSTRAINT uq_outbox_key UNIQUE (key)
);
CREATE INDEX ix_outbox_unsent ON outbox (id) WHERE status IN ('pending', 'sending', 'unknown');
INSERT INTO outbox (
    key, kind, recipient, subject, body, attachment_name, attachment, created_at, claimed_at, sent_at, status, error,
    html
)
SELECT
    key, type, body ->> 'to', body ->> 'subject', body ->> 'text', body ->> 'attachment_name', attachment, created_at,
    coalesce(leased_until - interval '1 hour', finished_at),
    CASE WHEN status = 'delivered' THEN finished_at END,
    CASE
        WHEN status = 'pending' AND leased_until IS NOT NULL THEN 'sending'
        WHEN status = 'delivered' THEN 'sent' ELSE status
    END,
    CASE
        WHEN status = 'failed'
            THEN (SELECT error FROM delivery_attempts WHERE message_id = message.id ORDER BY id DESC LIMIT 1)
    END,
    body ->> 'html'
FROM outgoing_messages AS message WHERE channel = 'mail' ORDER BY id;

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
INSERT INTO webhook_deliveries (
    id, event_id, type, body, created_at, due_at, tries, lease, leased_until, delivered_at, failed_at
) OVERRIDING SYSTEM VALUE
SELECT
    id, key, type, body, created_at, due_at, tries, lease, leased_until,
    CASE WHEN status = 'delivered' THEN finished_at END, CASE WHEN status = 'failed' THEN finished_at END
FROM outgoing_messages WHERE channel = 'webhook' ORDER BY id;
INSERT INTO webhook_attempts (delivery_id, at, status_code, error, seconds)
SELECT message_id, at, status_code, error, seconds FROM delivery_attempts
WHERE message_id IN (SELECT id FROM webhook_deliveries) ORDER BY id;
SELECT setval(
    pg_get_serial_sequence('webhook_deliveries', 'id'),
    nextval(pg_get_serial_sequence('outgoing_messages', 'id')), false
);
DROP TABLE delivery_attempts;
DROP TABLE outgoing_messages;
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (due_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE INDEX ix_webhook_deliveries_done ON webhook_deliveries (created_at)
WHERE delivered_at IS NOT NULL OR failed_at IS NOT NULL;
CREATE INDEX ix_webhook_attempts_delivery_id ON webhook_attempts (delivery_id);
CREATE TRIGGER tell_listeners AFTER INSERT ON webhook_deliveries
    FOR EACH STATEMENT EXECUTE FUNCTION tell_listeners();
