-- Every score ever stored.
CREATE OR REPLACE VIEW score_history AS
SELECT
    id, subject_kind, subject_id, kind, value, low, high, reasons, action, model_version, as_of, created_at, what_if,
    act_from, out_of
FROM scores;
