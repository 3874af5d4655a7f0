-- A tutor's history is read again only after something was written of it: whoever writes changes the stamp.
ALTER TABLE tutors ADD COLUMN history_stamp uuid NOT NULL DEFAULT gen_random_uuid();
