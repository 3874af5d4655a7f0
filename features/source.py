"""Hash of the feature code."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def source_sha256() -> str:
    """SHA-256 (hex) of this package's source files. Equal hashes mean that the same code computed the features."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
