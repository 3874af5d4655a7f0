DROP TRIGGER append_only ON tuned_params;
DROP TABLE quality_requests;
DROP TABLE webhook_attempts;
DROP TABLE webhook_cursor;
DROP TABLE webhook_deliveries;
DROP TABLE score_changes;

-- Scores of kinds unknown to the previous release must be deleted, although scores are otherwise append-only.
ALTER TABLE scores DISABLE TRIGGER append_only;
DELETE FROM scores
WHERE kind IN (
    'reschedule_rate_7d', 'reschedule_rate_30d', 'reschedule_rate_90d', 'session_quality', 'first_session_quality'
);
ALTER TABLE scores ENABLE TRIGGER append_only;
ALTER TABLE scores DROP CONSTRAINT ck_scores_kind;
ALTER TABLE scores ADD CONSTRAINT ck_scores_kind CHECK (
    kind IN ('no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help')
);
