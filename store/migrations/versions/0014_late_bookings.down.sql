-- Sessions entered after their start stay as they are: the constraint applies to rows written from now on.
ALTER TABLE sessions ADD CONSTRAINT ck_sessions_booked_at_before_starts_at CHECK (booked_at <= starts_at) NOT VALID;
