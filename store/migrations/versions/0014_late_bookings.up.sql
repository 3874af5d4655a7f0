-- A session may be entered after its start: walk-ins, instant sessions, backfills.
ALTER TABLE sessions DROP CONSTRAINT ck_sessions_booked_at_before_starts_at;
