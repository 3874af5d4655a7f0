"""Readers for CSV, Parquet and Excel files, as columns of text or Arrow types."""
