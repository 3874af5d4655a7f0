-- A tutor's cached history is read again only after a write: every write about the tutor changes the stamp.
ALTER TABLE tutors ADD COLUMN history_stamp uuid NOT NULL DEFAULT gen_random_uuid();
