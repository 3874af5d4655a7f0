-- Forgetting a tutor finds what was said of them without a look at all that ever came.
CREATE INDEX ix_inbox_tutors ON inbox ((body -> 'data' ->> 'tutor_id')) WHERE type = 'tutor.updated';
