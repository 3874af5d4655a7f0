CREATE TABLE tuned_params (
    id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_tuned_params PRIMARY KEY,
    task TEXT NOT NULL,
    params JSONB NOT NULL,
    loss DOUBLE PRECISION NOT NULL,
    start_loss DOUBLE PRECISION,
    trials INTEGER NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    study TEXT NOT NULL,
    data_fingerprint TEXT NOT NULL,
    features_sha256 TEXT NOT NULL,
    known_before TIMESTAMP WITH TIME ZONE NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX ix_tuned_params_latest ON tuned_params (task, id);
