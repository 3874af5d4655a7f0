"""Import of datasets described by a YAML dataset file: reading, row checks, rejects."""

from importing.reading import ReadResult, fingerprints, read_dataset, read_rows
from importing.rows.rejects import Counts, write_rejects

__all__ = ["Counts", "ReadResult", "fingerprints", "read_dataset", "read_rows", "write_rejects"]
