"""PostgreSQL: the one DATABASE_URL names, or an embedded server in the data folder.

The embedded server listens on the loopback address only and asks for a random password, kept in a file nobody else
can read, so that other users of the machine cannot enter.
"""

import fcntl
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg2
from psycopg2 import sql

from domain.errors import DatabaseUnavailable
from gateways.server_account import make_home, programs, server_account
from gateways.settings import Settings

DATABASE = "tqs"
_HOST = "127.0.0.1"
_PATIENCE = 60.0  # seconds: crash recovery after a power cut can take that long
_TUNING = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",  # a bulk load should not be stopped by checkpoints
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",  # nobody replicates an embedded server
    "max_wal_senders": "0",
    "jit": "off",  # our queries are short; compiling them costs more than it saves
}


class EmbeddedServer:
    """The PostgreSQL server of one data folder, shared by every process that starts it.

    Each process holds a shared file lock while it uses the server, and the last to stop stops it. The kernel drops
    the lock of a process that was killed, so none is counted for ever. `options` are further server settings.
    """

    def __init__(self, data_dir: Path, options: Mapping[str, str] | None = None) -> None:
        """Nothing starts yet; as root, the account that will run the server is made if it is not there."""
        self._home = data_dir.absolute() / "postgres"
        self._options = _TUNING | dict(options or {})
        self._account = server_account(self._home)
        self._using: int | None = None

    @property
    def _cluster(self) -> Path:
        return self._home.resolve() / "cluster"

    def start(self) -> str:
        """Start the server, or join the one that runs, and return its URL. May be called again.

        Raises DatabaseUnavailable saying why it does not start.
        """
        try:
            self._home.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                make_home(self._home, self._account)
                self._ensure_initialised()
                if not self._is_running():
                    self._start_on_free_port()
                self._hold()
                return self._url(DATABASE)
        except OSError as error:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL cannot use {self._home}: {error}. Choose another folder with TQS_DATA_DIR."
            ) from error

    def stop(self) -> None:
        """Leave the server, and stop it if nobody else uses it. Does nothing if this object has not started it."""
        if self._using is None:
            return
        with self._alone():
            try:
                fcntl.flock(self._using, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another process still uses it
            else:
                self._run("pg_ctl", "-D", str(self._cluster), "-w", "-m", "fast", "stop")
            os.close(self._using)
            self._using = None

    def __enter__(self) -> str:
        """Start it and return its URL."""
        return self.start()

    def __exit__(self, *error: object) -> None:
        """Stop using it."""
        self.stop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time makes, starts or stops the server."""
        lock = os.open(self._home.with_name("postgres.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _hold(self) -> None:
        if self._using is None:
            self._using = os.open(self._home / "in_use.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._using, fcntl.LOCK_SH)

    def _ensure_initialised(self) -> None:
        if self._cluster.exists():
            return
        making = self._cluster.with_name("cluster.new")
        shutil.rmtree(making, ignore_errors=True)  # left by a process killed here
        self._write_password()
        self._must_run(
            "initdb", "-D", str(making), "--username", DATABASE, "--pwfile", str(self._home.resolve() / "password"),
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8", "--no-instructions",
        )  # fmt: skip
        making.rename(self._cluster)

    def _write_password(self) -> None:
        path = self._home / "password"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def _is_running(self) -> bool:
        """Whether our server runs, waiting for one that is still starting. Clears a pid file nobody stands behind."""
        pid_file = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + _PATIENCE
        while pid_file.exists() and time.monotonic() < deadline:
            lines = pid_file.read_text().splitlines()
            if lines and not _serves(int(lines[0]), self._cluster):
                # After a crash the number may belong to another process, and PostgreSQL would refuse to start.
                pid_file.unlink(missing_ok=True)
                return False
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return True
            time.sleep(0.05)
        return False

    def _start_on_free_port(self) -> None:
        for attempt in range(3):  # somebody may take the port between the choice and the start
            port = self._kept_port() if attempt == 0 else _free_port()
            settings = shlex.join(f"--{name}={value}" for name, value in self._options.items())
            log = str(self._home.resolve() / "server.log")
            arguments = ("-D", str(self._cluster), "-l", log, "-w", "-t", str(int(_PATIENCE)))
            trouble = self._run("pg_ctl", *arguments, "-o", f"-p {port} {settings}", "start")
            if trouble is None:
                (self._home / "port").write_text(str(port))
                create_database(self._url("postgres"), DATABASE)
                return
        raise DatabaseUnavailable(f"The embedded PostgreSQL does not start; see {log}. {trouble}")

    def _kept_port(self) -> int:
        """The port of last time, so that addresses people noted stay good, unless somebody else has it now."""
        path = self._home / "port"
        return _free_port(int(path.read_text()) if path.exists() else 0)

    def _url(self, database: str) -> str:
        port = (self._cluster / "postmaster.pid").read_text().splitlines()[3].strip()
        password = (self._home / "password").read_text()
        return f"postgresql+psycopg2://{DATABASE}:{password}@{_HOST}:{port}/{database}"

    def _must_run(self, program: str, *arguments: str) -> None:
        trouble = self._run(program, *arguments)
        if trouble is not None:
            raise DatabaseUnavailable(f"The embedded PostgreSQL cannot be set up in {self._home}: {trouble}")

    def _run(self, program: str, *arguments: str) -> str | None:
        """Run one of PostgreSQL's programs as the server's account; None, or what it said when it failed."""
        command = [str(programs(self._account) / program), *arguments]
        user = self._account.uid if self._account else None
        group = self._account.gid if self._account else None
        with tempfile.TemporaryFile("w+") as said:  # a pipe would be held open by the server that pg_ctl leaves
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, cwd=self._home.resolve(),
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, user=user, group=group,
                extra_groups=[] if self._account else None,
            )  # fmt: skip
            said.seek(0)
            return None if done.returncode == 0 else said.read().strip()


def _serves(pid: int, cluster: Path) -> bool:
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _free_port(wanted: int = 0) -> int:
    """The port wanted if it is free, else any that is."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, wanted))
        except OSError:
            return _free_port()
        return int(probe.getsockname()[1])


def database_url(settings: Settings) -> str:
    """DATABASE_URL if it is set, else the URL of the embedded server, started or joined, which stays on."""
    return settings.database_url or EmbeddedServer(settings.data_dir).start()


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """The same URL for the length of a block; an embedded server nobody else uses is stopped after it."""
    if settings.database_url:
        yield settings.database_url
    else:
        with EmbeddedServer(settings.data_dir) as url:
            yield url


def create_database(url: str, name: str) -> str:
    """Make a database on the server of a URL unless it is there, and return its URL. Raises DatabaseUnavailable."""
    try:
        with _server_cursor(url, name) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg2.errors.DuplicateDatabase:
        pass  # another process was first
    return _url_of(url, name)


def empty_database(url: str, name: str) -> str:
    """Make a database anew, with all that was in it gone, and return its URL. Raises DatabaseUnavailable."""
    with _server_cursor(_url_of(url, "postgres"), name) as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return _url_of(url, name)


@contextmanager
def _server_cursor(url: str, name: str) -> Iterator[psycopg2.extensions.cursor]:
    plain = url.replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        with closing(psycopg2.connect(plain, connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
    except psycopg2.OperationalError as error:
        raise DatabaseUnavailable(f"The database {name} could not be made: {str(error).strip()}") from error


def _url_of(url: str, name: str) -> str:
    server, _, query = url.partition("?")
    return server.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
