"""Small dataset files for tests of the import."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from importing import ReadResult, read_rows

HEADER = "session_id,tutor_id,booked_at,starts_at,ends_at,status,outcome_known_at"
GOOD = "s1,t1,2026-03-01T08:00:00Z,2026-03-02T09:00:00Z,2026-03-02T10:00:00Z,completed,2026-03-02T10:00:00Z"
SESSIONS = "sessions: {file: sessions.csv}"


def write(folder: Path, description: str = SESSIONS, **files: str | bytes) -> Path:
    """Write `dataset.yaml` and the files, which are named KIND_ENDING, for example `sessions_csv`."""
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    path = folder / "dataset.yaml"
    path.write_text(description)
    return path


def csv(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def session(**fields: str) -> str:
    """The valid row with some values replaced; with another start, its outcome becomes known much later."""
    if "starts_at" in fields:
        fields = {"outcome_known_at": "2030-01-01T00:00:00Z"} | fields
    return ",".join((dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | fields).values())


def read(folder: Path, description: str = SESSIONS, **files: str | bytes) -> ReadResult:
    return read_rows(write(folder, description, **files))


def rejects(result: ReadResult) -> list[tuple[Any, ...]]:
    """Rejects as tuples (file, row, column, value, reason)."""
    return [tuple(row.values()) for row in result.rejects.to_pylist()]


def column(result: ReadResult, name: str, kind: str = "sessions") -> list[Any]:
    """Values of a column, with times as ISO text."""
    values = result.dataset.tables[kind][name]
    return (
        [v.isoformat() if v is not None else None for v in values.to_pylist()]
        if pa.types.is_timestamp(values.type)
        else values.to_pylist()
    )
