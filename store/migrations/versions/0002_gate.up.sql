-- Decisions of the gate, who overruled them, and shadow scores of challengers.

ALTER TABLE model_ledger
    ADD COLUMN decision jsonb,
    ADD COLUMN card text,
    ADD COLUMN forced boolean DEFAULT false NOT NULL,
    DROP CONSTRAINT ck_model_ledger_action,
    ADD CONSTRAINT ck_model_ledger_action CHECK (action IN ('candidate', 'refused', 'challenger', 'champion', 'rollback')),
    ADD CONSTRAINT ck_model_ledger_because CHECK (NOT forced OR reason ~ '\S');

-- Churn is predicted for more horizons.
ALTER TABLE scores
    DROP CONSTRAINT ck_scores_kind,
    ADD CONSTRAINT ck_scores_kind CHECK (
        kind IN ('no_show', 'no_show_14d', 'churn_7d', 'churn_14d', 'churn_30d', 'churn_90d', 'help')
    );

-- Separate from `scores`, so that no view, page or mail can show them by mistake.
CREATE TABLE shadow_scores (
    id bigint GENERATED ALWAYS AS IDENTITY,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    kind text NOT NULL,
    value double precision NOT NULL,
    model_version text NOT NULL,
    as_of timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_shadow_scores PRIMARY KEY (id),
    CONSTRAINT ck_shadow_scores_fraction CHECK (value BETWEEN 0 AND 1)
);
CREATE INDEX ix_shadow_scores_pair ON shadow_scores (model_version, kind, subject_kind, subject_id, as_of);

CREATE TABLE model_comparisons (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    challenger text NOT NULL,
    champion text NOT NULL,
    decision jsonb NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_model_comparisons PRIMARY KEY (id)
);
CREATE INDEX ix_model_comparisons_latest ON model_comparisons (name, challenger, champion, id);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shadow_scores
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_comparisons
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Latest decision about each model, for the pages.
CREATE VIEW newest_decisions AS
SELECT DISTINCT ON (name) name, version, action, reason, at
FROM model_ledger
WHERE action <> 'candidate'
ORDER BY name, id DESC;
