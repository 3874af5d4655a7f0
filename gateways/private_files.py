"""Files readable by their owner only, regardless of the umask the process was started with."""

import os
from pathlib import Path

_PASSABLE = 0o711
_PRIVATE = 0o700


def keep_files_private() -> None:
    """Make this process and its children create files with mode 0600 and folders with 0700. Called by entry points."""
    os.umask(0o077)


def make_data_dir(path: Path) -> None:
    """Create the data folder and its parents, closed to other users; an existing folder keeps its mode.

    As root it can be traversed but not listed: the account that runs the embedded PostgreSQL has its own folder in it
    (see `gateways.embedded_postgres.server_account`).
    """
    if path.is_dir():
        return
    make_data_dir(path.parent)
    mode = _PASSABLE if os.geteuid() == 0 else _PRIVATE
    path.mkdir(mode=mode, exist_ok=True)
    path.chmod(mode)  # the umask may have cleared bits
