-- Served schedules, the runs of their flows, and running workers.
CREATE TABLE schedules (
    flow text CONSTRAINT pk_schedules PRIMARY KEY,
    cron text NOT NULL,
    since timestamptz NOT NULL
);

CREATE TABLE flow_runs (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_flow_runs PRIMARY KEY,
    flow text NOT NULL,
    scheduled boolean NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text,
    error text,
    CONSTRAINT ck_flow_runs_outcome CHECK (outcome IN ('completed', 'failed', 'stopped')),
    CONSTRAINT ck_flow_runs_ended CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX ix_flow_runs_latest ON flow_runs (flow, started_at);

CREATE TABLE workers (
    id uuid CONSTRAINT pk_workers PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
