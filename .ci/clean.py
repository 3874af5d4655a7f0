"""`make clean`: deletion of this folder's environment and data after a confirmation, and a list of what remains."""

import json
import os
import pwd
import shutil
import sys
from pathlib import Path

PROGRAMS = (".venv", ".uv")
DATA = ".data"
# Equal to those in gateways/embedded_postgres/server_account.py, which cannot be imported without the environment.
SHARED = Path("/var/lib/tutor-quality-scoring")
ACCOUNT = "tqs-postgres"


def main(root: Path, yes: bool) -> int:
    """Delete the folders that the user confirms. Returns the exit code: 0, or 2 where nothing was deleted."""
    present = [root / name for name in (*PROGRAMS, DATA) if (root / name).exists()]
    if not present:
        print("There is nothing to delete here.")
    elif _demo_runs(root / DATA / "demo"):
        print(
            f"Nothing was deleted: a demo is running in {root / DATA / 'demo'}. Stop it with Ctrl-C first.",
            file=sys.stderr,
        )
        return 2
    elif not _confirmed(present, yes):
        return 2
    clusters = _linked_clusters(root / DATA)
    for folder in present:
        shutil.rmtree(folder)
        print(f"Deleted {folder}.")
    _print_remaining(clusters)
    return 0


def _confirmed(present: "list[Path]", yes: bool) -> bool:
    for folder in present:
        contents = "tutors, scores, models, runs, passwords and keys" if folder.name == DATA else "installed programs"
        print(f"  {folder}: {contents}, {_megabytes(folder):,.0f} MB")
    if yes:
        return True
    if not sys.stdin.isatty():
        print(
            "Nothing was deleted: no terminal to confirm in. Run `make clean YES=yes` to delete these.", file=sys.stderr
        )
        return False
    if input("Delete them? [y/N] ").strip().lower() in {"y", "yes"}:
        return True
    print("Nothing was deleted.", file=sys.stderr)
    return False


def _demo_runs(home: Path) -> bool:
    try:
        os.kill(json.loads((home / "running.json").read_text())["demo"]["pid"], 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _linked_clusters(data: Path) -> "list[Path]":
    """Database clusters outside this folder that links in it point to."""
    return [link.resolve() for link in data.glob("**/postgres") if link.is_symlink() and link.exists()]


def _print_remaining(clusters: "list[Path]") -> None:
    print("Remaining on this machine:")
    if SHARED.exists():
        print(f"  {SHARED}: PostgreSQL programs and clusters of installations run by root (rm -r {SHARED})")
    for cluster in clusters:
        print(f"  {cluster}: the database cluster of this folder (rm -r {cluster})")
    if _account_exists():
        print(f"  the account {ACCOUNT}, which runs PostgreSQL instead of root (userdel {ACCOUNT})")
    cache = Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache" / "uv")
    if cache.exists():
        print(f"  {cache}: uv's package cache (rm -r {cache})")
    print("  Chromium and Ruby, if `make test` installed them (apt-get remove chromium ruby)")


def _account_exists() -> bool:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    return True


def _megabytes(folder: Path) -> float:
    sizes = 0
    for parent, _, names in os.walk(folder):
        sizes += sum(os.lstat(os.path.join(parent, name)).st_blocks * 512 for name in names)
    return sizes / 1e6


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), "--yes" in sys.argv[1:]))
