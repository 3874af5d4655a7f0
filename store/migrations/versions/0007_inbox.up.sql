-- Incoming events, their leases, and the state of each record by its latest event.

ALTER TABLE inbox
    ADD COLUMN type text,
    ADD COLUMN body_sha256 text,
    ADD COLUMN priority smallint DEFAULT 1 NOT NULL,
    ADD COLUMN tries integer DEFAULT 0 NOT NULL,
    ADD COLUMN lease uuid,
    ADD COLUMN leased_until timestamptz,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN parked_at timestamptz;
CREATE INDEX ix_inbox_waiting ON inbox (priority, id) WHERE processed_at IS NULL AND parked_at IS NULL;
CREATE INDEX ix_inbox_parked ON inbox (id) WHERE parked_at IS NOT NULL;

CREATE TABLE latest_events (
    kind text NOT NULL,
    id text NOT NULL,
    happened_at timestamptz NOT NULL,
    event_id text NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    CONSTRAINT pk_latest_events PRIMARY KEY (kind, id)
);

-- Notifies processes that wait for rows; the channel is the table's name.
CREATE FUNCTION tell_listeners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_TABLE_NAME, '');
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_listeners AFTER INSERT ON inbox
    FOR EACH STATEMENT EXECUTE FUNCTION tell_listeners();
