"""The Prefect server: credentials and deployed flows."""
