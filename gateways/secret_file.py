"""Generated secrets, created once in the data folder and readable by its owner only."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from gateways.private_files import make_data_dir


def kept_secret(path: Path, prefix: str = "") -> str:
    """Secret stored in a file; a missing file is created with prefix and random secret. Safe between processes."""
    if not path.exists():
        make_data_dir(path.parent)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as file:  # readable by the owner only
            file.write(prefix + secrets.token_urlsafe(24))
            file.flush()
            with suppress(FileExistsError):  # another process was first: its secret is used
                os.link(file.name, path)
    return path.read_text()
