ALTER TABLE dataset_facts ADD COLUMN histories jsonb, ADD COLUMN asked interval;
