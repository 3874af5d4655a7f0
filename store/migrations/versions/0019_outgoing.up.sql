-- One queue of outgoing messages. Webhooks keep their numbers, which the API and `tqs webhooks` show.
CREATE TABLE outgoing_messages (
    id bigint GENERATED ALWAYS AS IDENTITY,
    channel text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    body jsonb NOT NULL,
    attachment bytea,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    lease uuid,
    leased_until timestamptz,
    status text DEFAULT 'pending' NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_outgoing_messages PRIMARY KEY (id),
    CONSTRAINT uq_outgoing_messages_channel UNIQUE (channel, key),
    CONSTRAINT ck_outgoing_messages_channel CHECK (channel IN ('mail', 'webhook')),
    CONSTRAINT ck_outgoing_messages_status CHECK (status IN ('pending', 'delivered', 'failed', 'unknown')),
    CONSTRAINT ck_outgoing_messages_finished CHECK ((status = 'pending') = (finished_at IS NULL)),
    -- A line break in a header would allow a name to inject headers.
    CONSTRAINT ck_outgoing_messages_one_line CHECK (
        channel <> 'mail' OR (body ->> 'to') !~ '[\r\n]' AND (body ->> 'subject') !~ '[\r\n]'
    ),
    CONSTRAINT ck_outgoing_messages_attachment CHECK (
        channel <> 'mail' OR ((body ->> 'attachment_name') IS NULL) = (attachment IS NULL)
    )
);
CREATE TABLE delivery_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    message_id bigint NOT NULL,
    at timestamptz NOT NULL,
    status_code integer,
    error text,
    seconds double precision NOT NULL,
    CONSTRAINT pk_delivery_attempts PRIMARY KEY (id),
    CONSTRAINT fk_delivery_attempts_message_id FOREIGN KEY (message_id) REFERENCES outgoing_messages (id)
);

-- The last score change that each consumer has queued messages for.
CREATE TABLE change_cursors (
    consumer text NOT NULL,
    change_id bigint NOT NULL,
    CONSTRAINT pk_change_cursors PRIMARY KEY (consumer)
);
INSERT INTO change_cursors (consumer, change_id) SELECT 'webhook', change_id FROM webhook_cursor;
DROP TABLE webhook_cursor;

INSERT INTO outgoing_messages (
    id, channel, key, type, body, created_at, due_at, tries, lease, leased_until, status, finished_at
) OVERRIDING SYSTEM VALUE
SELECT
    id, 'webhook', event_id, type, body, created_at, due_at, tries, lease, leased_until,
    CASE
        WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN failed_at IS NOT NULL THEN 'failed' ELSE 'pending'
    END,
    coalesce(delivered_at, failed_at)
FROM webhook_deliveries ORDER BY id;
INSERT INTO delivery_attempts (message_id, at, status_code, error, seconds)
SELECT delivery_id, at, status_code, error, seconds FROM webhook_attempts ORDER BY id;
-- A number is never used for a second webhook, not even that of a deleted one.
SELECT setval(
    pg_get_serial_sequence('outgoing_messages', 'id'),
    nextval(pg_get_serial_sequence('webhook_deliveries', 'id')), false
);
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;

-- A mail that is being sent keeps its lease of one hour, so that it cannot be sent twice.
INSERT INTO outgoing_messages (
    channel, key, type, body, attachment, created_at, due_at, tries, lease, leased_until, status, finished_at
)
SELECT
    'mail', key, kind,
    jsonb_build_object(
        'to', recipient, 'subject', subject, 'text', body, 'html', html, 'attachment_name', attachment_name
    ),
    attachment, created_at, created_at,
    CASE WHEN status = 'pending' THEN 0 ELSE 1 END,
    CASE WHEN status = 'sending' THEN gen_random_uuid() END,
    CASE WHEN status = 'sending' THEN coalesce(claimed_at, created_at) + interval '1 hour' END,
    CASE status WHEN 'sending' THEN 'pending' WHEN 'sent' THEN 'delivered' ELSE status END,
    CASE WHEN status NOT IN ('pending', 'sending') THEN coalesce(sent_at, claimed_at, created_at) END
FROM outbox ORDER BY id;
INSERT INTO delivery_attempts (message_id, at, error, seconds)
SELECT message.id, coalesce(outbox.claimed_at, outbox.created_at), outbox.error, 0
FROM outbox JOIN outgoing_messages AS message ON message.channel = 'mail' AND message.key = outbox.key
WHERE outbox.error IS NOT NULL ORDER BY outbox.id;
DROP TABLE outbox;

CREATE INDEX ix_outgoing_messages_due ON outgoing_messages (channel, due_at) WHERE status = 'pending';
CREATE INDEX ix_outgoing_messages_finished ON outgoing_messages (channel, created_at) WHERE status <> 'pending';
CREATE INDEX ix_delivery_attempts_message_id ON delivery_attempts (message_id);
CREATE TRIGGER tell_listeners AFTER INSERT ON outgoing_messages
    FOR EACH STATEMENT EXECUTE FUNCTION tell_listeners();
