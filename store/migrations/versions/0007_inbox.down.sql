DROP TRIGGER tell_listeners ON inbox;
DROP FUNCTION tell_listeners();
DROP TABLE latest_events;
DROP INDEX ix_inbox_parked;
DROP INDEX ix_inbox_waiting;
ALTER TABLE inbox
    DROP COLUMN type,
    DROP COLUMN body_sha256,
    DROP COLUMN priority,
    DROP COLUMN tries,
    DROP COLUMN lease,
    DROP COLUMN leased_until,
    DROP COLUMN due_at,
    DROP COLUMN parked_at;
