"""Shrunk rates of a tutor, with intervals."""
