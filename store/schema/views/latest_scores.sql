-- The newest score of each subject and kind.
CREATE OR REPLACE VIEW latest_scores AS
SELECT DISTINCT ON (subject_kind, subject_id, kind)
    subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from, out_of
FROM scores
ORDER BY subject_kind, subject_id, kind, as_of DESC, id DESC;
