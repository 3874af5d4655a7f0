-- Progress of retention sweeps, so that the next one skips rows already processed.
CREATE TABLE retention_marks (
    name text NOT NULL,
    done_before timestamptz,
    last_id bigint,
    CONSTRAINT pk_retention_marks PRIMARY KEY (name)
);
CREATE INDEX ix_inbox_with_body ON inbox (processed_at)
WHERE processed_at IS NOT NULL AND type IS NOT NULL AND body <> '{}'::jsonb;
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_shadow_scores_created_at ON shadow_scores (created_at);
CREATE INDEX ix_webhook_deliveries_done ON webhook_deliveries (created_at)
WHERE delivered_at IS NOT NULL OR failed_at IS NOT NULL;

-- A retention sweep names itself in its transaction, as an erasure does. It may delete old rows only.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    purpose text := coalesce(current_setting('tqs.purpose', true), '');
BEGIN
    IF purpose = 'erase' AND TG_OP = 'UPDATE'
        AND TG_TABLE_NAME IN ('scores', 'shadow_scores', 'contacts', 'contact_events', 'audit') THEN
        RETURN NULL;
    END IF;
    IF purpose = 'retention' AND TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('scores', 'shadow_scores', 'audit') THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION refuse_young_score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.created_at > now() - interval '30 days' THEN
        RAISE EXCEPTION '% keeps rows for 30 days: DELETE refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END
$$;
CREATE FUNCTION refuse_young_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.at > now() - interval '30 days' THEN
        RAISE EXCEPTION '% keeps rows for 30 days: DELETE refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER keep_young BEFORE DELETE ON scores FOR EACH ROW EXECUTE FUNCTION refuse_young_score();
CREATE TRIGGER keep_young BEFORE DELETE ON shadow_scores FOR EACH ROW EXECUTE FUNCTION refuse_young_score();
CREATE TRIGGER keep_young BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_young_audit();
