-- Active tutors with their newest scores. One index probe per tutor and kind, so the cost does not grow with the history.
-- A tutor whose last score is a day older than the newest sweep is no longer scored: not active, so not ranked.
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
