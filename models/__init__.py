"""Dataset to rows, split, fit, calibrate, evaluate, score, explain. No MLflow, no database, no network."""
