"""Scores: appended, read, ranked, and the log of their changes."""
