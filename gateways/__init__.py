"""Adapters for external systems: settings, clock, PostgreSQL, MLflow, Prefect, mail, Rails."""
