"""Datasets described by one YAML file: read, checked row by row, and what is wrong with them said."""

from importing.reading import ReadResult, fingerprints, read_dataset, read_rows
from importing.rows.rejects import Counts, write_rejects

__all__ = ["Counts", "ReadResult", "fingerprints", "read_dataset", "read_rows", "write_rejects"]
