-- Erasure finds the events about a tutor without a scan of the whole inbox.
CREATE INDEX ix_inbox_tutors ON inbox ((body -> 'data' ->> 'tutor_id')) WHERE type = 'tutor.updated';
