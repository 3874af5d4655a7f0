"""The Prefect server: its sign-in, and what is deployed there."""
