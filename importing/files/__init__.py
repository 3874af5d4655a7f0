"""CSV, Parquet and Excel files read as columns of text or Arrow types."""
