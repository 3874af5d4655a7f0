-- A count of sessions out of those booked. Fractions have no `out_of`, and 1 as limit.

ALTER TABLE scores ADD COLUMN out_of integer;
ALTER TABLE scores DROP CONSTRAINT ck_scores_fractions;
ALTER TABLE scores DROP CONSTRAINT ck_scores_kind;
ALTER TABLE scores ADD CONSTRAINT ck_scores_kind CHECK (kind IN (
    'no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help', 'sessions_at_risk',
    'reschedule_rate_7d', 'reschedule_rate_30d', 'reschedule_rate_90d', 'session_quality', 'first_session_quality'
));
ALTER TABLE scores ADD CONSTRAINT ck_scores_out_of CHECK ((kind = 'sessions_at_risk') = (out_of IS NOT NULL));
ALTER TABLE scores ADD CONSTRAINT ck_scores_within_limit CHECK (
    value BETWEEN 0 AND coalesce(out_of, 1) AND low BETWEEN 0 AND coalesce(out_of, 1)
    AND high BETWEEN 0 AND coalesce(out_of, 1)
);

CREATE OR REPLACE VIEW score_history AS
SELECT
    id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from, out_of
FROM scores;

CREATE OR REPLACE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from, out_of
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;
