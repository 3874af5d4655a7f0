-- The newest decision about each model.
CREATE OR REPLACE VIEW newest_decisions AS
SELECT DISTINCT ON (name) name, version, action, reason, at
FROM model_ledger
WHERE action <> 'candidate'
ORDER BY name, id DESC;
