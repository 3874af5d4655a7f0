"""Secrets nobody chose: made once, kept in the data folder where only its owner can read them."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from gateways.private_files import make_data_dir


def kept_secret(path: Path, prefix: str = "") -> str:
    """The secret in a file; a new random one, after the prefix, where there is no file yet. Safe between processes."""
    if not path.exists():
        make_data_dir(path.parent)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name) as file:  # readable by us alone
            file.write(prefix + secrets.token_urlsafe(24))
            file.flush()
            with suppress(FileExistsError):  # another process was first: its secret counts
                os.link(file.name, path)
    return path.read_text()
