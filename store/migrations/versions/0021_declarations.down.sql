ALTER TABLE dataset_facts DROP COLUMN asked, DROP COLUMN histories;
