-- Returns to a ledger of champions only.

DROP VIEW newest_decisions;
DROP TABLE model_comparisons, shadow_scores;

ALTER TABLE model_ledger DISABLE TRIGGER append_only;
DELETE FROM model_ledger WHERE action NOT IN ('champion', 'rollback');
UPDATE model_ledger SET action = 'champion' WHERE action = 'rollback';
ALTER TABLE model_ledger ENABLE TRIGGER append_only;

ALTER TABLE model_ledger
    DROP CONSTRAINT ck_model_ledger_because,
    DROP CONSTRAINT ck_model_ledger_action,
    ADD CONSTRAINT ck_model_ledger_action CHECK (action IN ('champion')),
    DROP COLUMN forced,
    DROP COLUMN card,
    DROP COLUMN decision;

ALTER TABLE scores DISABLE TRIGGER append_only;
DELETE FROM scores WHERE kind IN ('churn_7d', 'churn_14d', 'churn_90d');
ALTER TABLE scores ENABLE TRIGGER append_only;
ALTER TABLE scores
    DROP CONSTRAINT ck_scores_kind,
    ADD CONSTRAINT ck_scores_kind CHECK (kind IN ('no_show', 'no_show_14d', 'churn_30d', 'help'));
