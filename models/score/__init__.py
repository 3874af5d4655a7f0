"""Scores from a model and a history."""
