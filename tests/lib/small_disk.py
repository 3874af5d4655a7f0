"""A small in-memory file system that a test can fill."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import run

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a file system of the given size in megabytes. Skips the test without root or `mount`."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(place)]
    try:
        done = run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("`mount` is not installed")
    if done.returncode:
        pytest.skip(f"only root can mount a file system: {done.stderr.strip()}")
    try:
        yield place
    finally:
        run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> None:
    """Fill the disk to the last byte."""
    with (disk / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    with (disk / "fill").open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"0" * 512)
