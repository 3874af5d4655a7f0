ALTER TABLE outbox ADD COLUMN html text;
