"""Drift checks of the model's columns and health checks of the installation; pure functions that send nothing."""
