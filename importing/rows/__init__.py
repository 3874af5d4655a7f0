"""Rows of a file checked field by field; rejects."""
