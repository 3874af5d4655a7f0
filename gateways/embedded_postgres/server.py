"""The PostgreSQL server: DATABASE_URL, or an embedded server in the data folder.

The embedded server listens on the loopback address only and requires a random password, stored in a file only its
owner can read, so that other users of the machine cannot connect. URLs name a role that is not a superuser; only this
module uses the superuser, to create that role and its database.
"""

import fcntl
import logging
import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from domain.errors import DatabaseUnavailable
from gateways.embedded_postgres.application_role import ROLE, prepare_role
from gateways.embedded_postgres.postmaster import Watch, end_orphans, lives, serves
from gateways.embedded_postgres.server_account import make_home, run_program, server_account
from gateways.ports import free_port
from gateways.private_files import make_data_dir
from gateways.settings import Settings

DATABASE = "tqs"
_SUPERUSER = "tqs"
_SUPERUSER_PASSWORD = "password"
_ROLE_PASSWORD = "role_password"
_log = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_PATIENCE = 60.0  # seconds: crash recovery after a power cut can take that long
_TUNING = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",  # a bulk load should not be slowed by checkpoints
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",  # an embedded server is not replicated
    "max_wal_senders": "0",
    "jit": "off",  # the queries are short; compiling them costs more than it saves
}


class EmbeddedServer:
    """The PostgreSQL server of one data folder, shared by every process that starts it.

    Each process holds a shared file lock while it uses the server, and the last process to stop also stops the server.
    The kernel releases the lock of a killed process, so none is counted for ever. While a process holds the lock, a
    crashed server is restarted at the same port. `options` are further server settings.
    """

    def __init__(self, data_dir: Path, options: Mapping[str, str] | None = None) -> None:
        """Prepare without starting; as root, the account that will run the server is created if missing."""
        self._home = data_dir.absolute() / "postgres"
        self._options = _TUNING | dict(options or {})
        self._account = server_account(self._home)
        self._using: int | None = None
        self._watch: Watch | None = None

    @property
    def _cluster(self) -> Path:
        return self._home.resolve() / "cluster"

    @property
    def _pid_file(self) -> Path:
        return self._cluster / "postmaster.pid"

    def start(self) -> str:
        """Start the server or join the running one; returns its URL. Idempotent.

        Raises DatabaseUnavailable with the reason if it does not start.
        """
        try:
            make_data_dir(self._home.parent)
            with self._alone():
                make_home(self._home, self._account)
                self._ensure_initialised()
                if not self._is_running():
                    self._start_server()
                    self._prepare_role()
                elif not (self._home / _ROLE_PASSWORD).exists():  # started by an earlier version, and still running
                    self._prepare_role()
                self._hold()
                self._watch = self._watch or Watch(lambda: lives(self._pid_file), self._revive)
                return self._url(ROLE, _ROLE_PASSWORD, DATABASE)
        except OSError as error:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL cannot use {self._home}: {error}. Choose another folder with TQS_DATA_DIR."
            ) from error

    def stop(self) -> None:
        """Release the server, and stop it if no other process uses it. No action if this object has not started it."""
        if self._using is None:
            return
        if self._watch:
            self._watch.stop()  # before taking the lock, which the watch may be waiting for
            self._watch = None
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
        """Start the server; returns its URL."""
        return self.start()

    def __exit__(self, *error: object) -> None:
        """Release the server."""
        self.stop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock under which one process at a time creates, starts or stops the server."""
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
        self._write_password(_SUPERUSER_PASSWORD, secrets.token_urlsafe(24))
        password_file = str(self._home.resolve() / _SUPERUSER_PASSWORD)
        self._must_run(
            "initdb", "-D", str(making), "--username", _SUPERUSER, "--pwfile", password_file,
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8", "--no-instructions",
        )  # fmt: skip
        making.rename(self._cluster)

    def _prepare_role(self) -> None:
        kept = self._home / _ROLE_PASSWORD
        password = kept.read_text() if kept.exists() else secrets.token_urlsafe(24)
        prepare_role(lambda name: self._url(_SUPERUSER, _SUPERUSER_PASSWORD, name), password, DATABASE)
        if not kept.exists():  # written last: if the file exists, the role is ready
            self._write_password(_ROLE_PASSWORD, password)

    def _write_password(self, name: str, password: str) -> None:
        path = self._home / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def _is_running(self) -> bool:
        """Whether the server is running; waits for a server that is still starting."""
        pid_file = self._pid_file
        deadline = time.monotonic() + _PATIENCE
        while pid_file.exists() and time.monotonic() < deadline:
            lines = pid_file.read_text().splitlines()
            if lines and not serves(int(lines[0]), self._cluster):
                return False
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return True
            time.sleep(0.05)
        return False

    def _revive(self) -> bool:
        """Restart a crashed server unless another process did; returns False if it was shut down on purpose."""
        with self._alone():
            if self._is_running():
                return True
            if self._is_shut_down():
                return False
            self._start_server()
            _log.warning("The embedded PostgreSQL in %s crashed and was restarted.", self._home)
            return True

    def _is_shut_down(self) -> bool:
        _, state = run_program(self._account, self._home, "pg_controldata", "-D", str(self._cluster))
        return bool(re.search(r"^Database cluster state: +shut down$", state, re.MULTILINE))

    def _clear_pid_file(self) -> None:
        """Remove a crashed server's pid file: if its pid is now another process's, PostgreSQL refuses to start."""
        if self._pid_file.exists():
            end_orphans(self._cluster)
            self._pid_file.unlink(missing_ok=True)

    def _start_server(self) -> None:
        self._clear_pid_file()
        for _ in range(3):  # another program may take the port between the choice and the start
            port = self._port()
            settings = shlex.join(f"--{name}={value}" for name, value in self._options.items())
            log = str(self._home.resolve() / "server.log")
            arguments = ("-D", str(self._cluster), "-l", log, "-w", "-t", str(int(_PATIENCE)))
            trouble = self._run("pg_ctl", *arguments, "-o", f"-p {port} {settings}", "start")
            if trouble is None:
                if port != self._kept_port():
                    (self._home / "port").write_text(str(port))
                return
        raise DatabaseUnavailable(f"The embedded PostgreSQL does not start; see {log}. {trouble}")

    def _port(self) -> int:
        """The previous port, so that known addresses stay valid; a different one only if no process uses the server."""
        kept = self._kept_port()
        return kept if kept and self._is_held() else free_port(_HOST, kept)

    def _kept_port(self) -> int:
        path = self._home / "port"
        return int(path.read_text() or 0) if path.exists() else 0

    def _is_held(self) -> bool:
        """Whether any process, including this one, uses the server."""
        descriptor = os.open(self._home / "in_use.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _url(self, user: str, password_file: str, database: str) -> str:
        port = self._pid_file.read_text().splitlines()[3].strip()
        password = (self._home / password_file).read_text()
        return f"postgresql+psycopg2://{user}:{password}@{_HOST}:{port}/{database}"

    def _must_run(self, program: str, *arguments: str) -> None:
        trouble = self._run(program, *arguments)
        if trouble is not None:
            raise DatabaseUnavailable(f"The embedded PostgreSQL cannot be set up in {self._home}: {trouble}")

    def _run(self, program: str, *arguments: str) -> str | None:
        """Run a PostgreSQL program; returns None on success, otherwise its output."""
        code, output = run_program(self._account, self._home, program, *arguments)
        return None if code == 0 else output


def database_url(settings: Settings) -> str:
    """DATABASE_URL if set, otherwise the URL of the embedded server, which is started or joined and left running."""
    return settings.database_url or EmbeddedServer(settings.data_dir).start()


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """Database URL for a `with` block; afterwards an embedded server that no other process uses is stopped."""
    if settings.database_url:
        yield settings.database_url
    else:
        with EmbeddedServer(settings.data_dir) as url:
            yield url


def has_database(settings: Settings) -> bool:
    """Whether a database is configured or an embedded one exists in the data folder. Starts and creates nothing."""
    return settings.database_url is not None or (settings.data_dir / "postgres" / "cluster").exists()
