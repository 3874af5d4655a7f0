DROP INDEX ix_inbox_tutors;
