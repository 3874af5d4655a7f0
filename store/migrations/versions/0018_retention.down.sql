DROP TRIGGER keep_young ON audit;
DROP TRIGGER keep_young ON shadow_scores;
DROP TRIGGER keep_young ON scores;
DROP FUNCTION refuse_young_audit();
DROP FUNCTION refuse_young_score();
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purpose text := coalesce(current_setting('tqs.purpose', true), '');
BEGIN
    IF purpose = 'erase' AND TG_OP = 'UPDATE'
        AND TG_TABLE_NAME IN ('scores', 'shadow_scores', 'contacts', 'contact_events', 'audit') THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
DROP INDEX ix_webhook_deliveries_done;
DROP INDEX ix_shadow_scores_created_at;
DROP INDEX ix_audit_at;
DROP INDEX ix_inbox_with_body;
DROP TABLE retention_marks;
