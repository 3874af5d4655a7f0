-- The previous release cannot read a count: its scores are deleted, although scores are otherwise append-only.

DROP VIEW latest_scores, score_history;

ALTER TABLE scores DISABLE TRIGGER append_only;
DELETE FROM scores WHERE kind = 'sessions_at_risk';
ALTER TABLE scores ENABLE TRIGGER append_only;
DELETE FROM score_changes WHERE kind = 'sessions_at_risk';
ALTER TABLE scores DROP CONSTRAINT ck_scores_out_of;
ALTER TABLE scores DROP CONSTRAINT ck_scores_within_limit;
ALTER TABLE scores DROP COLUMN out_of;
ALTER TABLE scores ADD CONSTRAINT ck_scores_fractions CHECK (
    value BETWEEN 0 AND 1 AND low BETWEEN 0 AND 1 AND high BETWEEN 0 AND 1
);
ALTER TABLE scores DROP CONSTRAINT ck_scores_kind;
ALTER TABLE scores ADD CONSTRAINT ck_scores_kind CHECK (kind IN (
    'no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help', 'reschedule_rate_7d',
    'reschedule_rate_30d', 'reschedule_rate_90d', 'session_quality', 'first_session_quality'
));

CREATE VIEW score_history AS
SELECT
    id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from
FROM scores;

CREATE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;
