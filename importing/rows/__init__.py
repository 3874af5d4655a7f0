"""Checks of a file's rows, field by field, and rejects."""
