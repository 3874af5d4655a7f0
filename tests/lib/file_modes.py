"""Files and folders that other accounts could read."""

import stat
from collections.abc import Iterable
from pathlib import Path


def walk(path: Path) -> list[Path]:
    """A file, or a folder with everything below it."""
    return [path, *path.rglob("*")]


def open_to_others(paths: Iterable[Path]) -> list[str]:
    """Paths, symbolic links excepted, that grant group or others any permission, each with its mode."""
    modes = {path: path.lstat().st_mode for path in paths}
    return [f"{path} {stat.filemode(mode)}" for path, mode in modes.items() if not stat.S_ISLNK(mode) and mode & 0o077]
