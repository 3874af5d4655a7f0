"""The outside world, one module each: settings, clock, PostgreSQL, MLflow, mail."""
