"""Import of datasets described by a YAML dataset file: reading, row checks, rejects."""

from importing.reading import ReadResult, fingerprints, read_dataset, read_rows
from importing.rows.rejects import RejectCounts, write_rejects

__all__ = ["ReadResult", "RejectCounts", "fingerprints", "read_dataset", "read_rows", "write_rejects"]
