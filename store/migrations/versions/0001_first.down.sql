-- Returns to an empty database. All data is lost.

DROP VIEW upcoming_sessions, tutor_sessions, tutor_profiles, ranked_tutors, last_sweep, latest_scores, score_history;
DROP FUNCTION latest_score(text, text, text);
DROP TABLE model_ledger, model_artifacts, outbox, inbox, scores, dataset_facts, attribute_definitions;
DROP TABLE transcripts, messages, reschedules, sessions, students, tutors;
DROP FUNCTION refuse_change();
