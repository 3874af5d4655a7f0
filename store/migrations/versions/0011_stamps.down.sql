ALTER TABLE tutors DROP COLUMN history_stamp;
