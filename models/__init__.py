"""Models: rows from a dataset, split, fit, calibrate, evaluate, score, explain. No MLflow, database or network."""
