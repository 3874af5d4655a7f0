"""Recommended actions, the ranking and score status."""
