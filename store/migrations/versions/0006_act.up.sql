-- Lowest value of the band Act. Scores stored without it used one half.

ALTER TABLE scores ADD COLUMN act_from double precision DEFAULT 0.5;

CREATE OR REPLACE VIEW score_history AS
SELECT
    id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from
FROM scores;

CREATE OR REPLACE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;

CREATE OR REPLACE VIEW ranked_tutors AS
SELECT
    tutors.tutor_id, coalesce(tutors.name, tutors.tutor_id) AS name, tutors.timezone,
    help.value AS help, help.low AS help_low, help.high AS help_high,
    no_show.value AS no_show_14d, no_show.low AS no_show_14d_low, no_show.high AS no_show_14d_high,
    churn.value AS churn_30d, churn.low AS churn_30d_low, churn.high AS churn_30d_high,
    help.reasons, help.action, help.model_version, help.as_of, help.act_from
FROM tutors
CROSS JOIN last_sweep
CROSS JOIN LATERAL latest_score('tutor', tutors.tutor_id, 'help') AS help
LEFT JOIN LATERAL latest_score('tutor', tutors.tutor_id, 'no_show_14d') AS no_show ON true
LEFT JOIN LATERAL latest_score('tutor', tutors.tutor_id, 'churn_30d') AS churn ON true
WHERE help.as_of > last_sweep.as_of - interval '1 day';
