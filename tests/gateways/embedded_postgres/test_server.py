"""The embedded PostgreSQL and the settings that select it."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from multiprocessing import get_context
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from domain.errors import DatabaseUnavailable, InvalidSettings
from gateways.embedded_postgres import server_account
from gateways.embedded_postgres.databases import create_database
from gateways.embedded_postgres.server import EmbeddedServer, database_url, running_database
from gateways.embedded_postgres.server_account import ServerAccount
from gateways.settings import load_settings
from store.db.engine import make_engine, upgrade
from tests.lib.small_disk import fill, small_disk


def _connect(url: str) -> closing:
    return closing(psycopg2.connect(url.replace("+psycopg2", "")))


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, server_folder: Path) -> Path:
    """Data folder of one test."""
    folder = server_folder / f"own-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o711)
    return folder


def test_a_second_start_joins_the_running_server_and_the_last_to_leave_stops_it(folder: Path) -> None:
    first, second = EmbeddedServer(folder), EmbeddedServer(folder)
    url = first.start()
    assert second.start() == url
    first.stop()
    with _connect(url) as connection:
        assert connection.closed == 0
    second.stop()
    with pytest.raises(psycopg2.OperationalError):
        _connect(url)


def test_data_and_address_survive_a_restart(folder: Path) -> None:
    with EmbeddedServer(folder) as url:
        kept = create_database(url, "kept")
        assert create_database(url, "kept") == kept
    with EmbeddedServer(folder) as again, _connect(kept):
        assert again == url


def test_a_pid_file_left_by_a_crash_does_not_keep_the_server_down(folder: Path) -> None:
    with EmbeddedServer(folder):
        pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
        left = pid_file.read_text().splitlines()
    # Another process has the PID now, as happens in a restarted container.
    pid_file.write_text("\n".join([str(os.getpid()), *left[1:], ""]))
    with EmbeddedServer(folder) as url, _connect(url):
        pass


def _rows(url: str, statement: str) -> list[tuple]:
    with _connect(url) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _superuser_url(folder: Path, url: str) -> str:
    password = (folder / "postgres" / "password").read_text()
    return make_url(url).set(username="tqs", password=password).render_as_string(hide_password=False)


def test_our_role_owns_its_database_and_is_no_superuser(server_url: str) -> None:
    attributes = "rolsuper, rolcreaterole, rolreplication, rolbypassrls"
    assert _rows(server_url, f"SELECT {attributes} FROM pg_roles WHERE rolname = current_user") == [(False,) * 4]
    owner = "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = current_database()"
    assert _rows(server_url, owner) == [(True,)]
    for forbidden in ("COPY (SELECT 1) TO PROGRAM 'id'", "SELECT pg_read_file('PG_VERSION')", "CREATE ROLE other"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            _rows(server_url, forbidden)


def test_a_cluster_of_an_earlier_version_changes_hands_with_all_that_is_in_it(folder: Path) -> None:
    with EmbeddedServer(folder) as url:
        superuser = _superuser_url(folder, url)
        _rows(superuser, "DROP SCHEMA public CASCADE")
        _rows(superuser, "CREATE SCHEMA public")
        engine = make_engine(superuser)
        upgrade(engine)  # state left by an earlier version: everything belongs to the superuser
        engine.dispose()
        _rows(superuser, "CREATE TYPE mood AS ENUM ('sad', 'happy')")
        _rows(superuser, "ALTER DATABASE tqs OWNER TO tqs")
        _rows(superuser, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    (folder / "postgres" / "role_password").unlink()
    _rows_of_roles = "SELECT relname FROM pg_class WHERE relowner = 10 AND relnamespace = 'public'::regnamespace"
    with EmbeddedServer(folder) as url:
        assert make_url(url).username == "tqs_app"
        assert _rows(url, _rows_of_roles) == []
        assert _rows(url, "SELECT 1 FROM pg_proc WHERE proowner = 10 AND pronamespace = 'public'::regnamespace") == []
        _rows(url, "DROP TYPE mood")
        _rows(url, "ALTER TABLE sessions ADD COLUMN later text")
        assert _rows(url, "SELECT count(*) FROM alembic_version") == [(1,)]


def _kill_postmaster(folder: Path) -> None:
    pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
    os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)


def _wait_answering(url: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            psycopg2.connect(url.replace("+psycopg2", "")).close()
            return
        except psycopg2.OperationalError:
            assert time.monotonic() < until
            time.sleep(0.1)


def _watches() -> int:
    return sum(thread.name == "postgresql-watch" for thread in threading.enumerate())


def test_a_server_that_is_killed_comes_back_at_the_same_address_with_its_data(folder: Path) -> None:
    before = _watches()
    with EmbeddedServer(folder) as url:
        _rows(url, "CREATE TABLE kept AS SELECT 17 AS number")
        with _connect(url) as busy, busy.cursor() as cursor:
            cursor.execute("SELECT 1")  # a backend that outlives its postmaster
            _kill_postmaster(folder)
            _wait_answering(url)
        assert _rows(url, "SELECT number FROM kept") == [(17,)]
    assert _watches() == before
    with pytest.raises(psycopg2.OperationalError):
        _connect(url)


def test_a_server_that_was_shut_down_on_purpose_stays_down(folder: Path) -> None:
    with EmbeddedServer(folder) as url:
        cluster = folder / "postgres" / "cluster"
        os.kill(int((cluster / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)
        time.sleep(3)
        with pytest.raises(psycopg2.OperationalError):
            _connect(url)


def test_a_server_whose_disk_was_full_comes_back_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, 120) as disk:
        disk.chmod(0o711)
        options = {"shared_buffers": "16MB", "max_wal_size": "32MB", "min_wal_size": "32MB"}
        with EmbeddedServer(disk, options) as url:
            _rows(url, "CREATE TABLE kept AS SELECT 17 AS number")
            fill(disk)
            with suppress(psycopg2.Error):
                _rows(url, "CREATE TABLE large AS SELECT repeat(md5(n::text), 50) FROM generate_series(1, 100000) AS n")
            _kill_postmaster(disk)
            time.sleep(2)  # restarts fail, or the server runs without space for any row
            (disk / "fill").unlink()
            _wait_answering(url)
            assert _rows(url, "SELECT number FROM kept") == [(17,)]


def _account_made(name: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_account, "ACCOUNT", name)
        account = server_account.server_account(Path("/nowhere"))
    assert account is not None
    return account.uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create accounts")
def test_processes_that_start_at_once_on_a_new_machine_agree_on_the_account() -> None:
    name = f"tqs-test-{os.urandom(3).hex()}"
    try:
        with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
            uids = set(pool.map(_account_made, [name] * 4))
        assert uids == {pwd.getpwnam(name).pw_uid}
    finally:
        subprocess.run(["userdel", name], check=False)


def test_the_server_asks_for_a_password_only_its_owner_can_read(server_folder: Path, server_url: str) -> None:
    assert stat.S_IMODE((server_folder / "postgres" / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE((server_folder / "postgres").resolve().stat().st_mode) == 0o700
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(server_url.replace("+psycopg2", ""), password="guess")


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match="TQS_DATA_DIR"):
        EmbeddedServer(tmp_path / "file").start()


def test_an_account_cannot_enter_what_is_below_a_private_folder(tmp_path: Path) -> None:
    private = tmp_path / "private"
    inner = private / "inner"
    inner.mkdir(parents=True)
    private.chmod(0o700)
    stranger = ServerAccount(uid=private.stat().st_uid + 54321, gid=54321)
    assert not stranger.can_enter(inner)
    assert stranger.can_enter(Path("/"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to switch to another account")
def test_as_root_a_data_folder_in_a_private_home_still_works(tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    with EmbeddedServer(private / ".data") as url, _connect(url):
        place = (private / ".data" / "postgres").resolve()
        assert not place.is_relative_to(private)
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    shutil.rmtree(place)


def test_database_url_wins_over_the_embedded_server() -> None:
    settings = load_settings({"DATABASE_URL": "postgres://ann:secret@db:5432/tqs"})
    assert database_url(settings) == "postgresql+psycopg2://ann:secret@db:5432/tqs"
    with running_database(settings) as url:
        assert url == database_url(settings)


def test_settings_come_from_the_environment_that_is_handed_in() -> None:
    settings = load_settings({"TQS_API_PORT": "8080", "TQS_SEED": "3", "TQS_API_KEY": "", "HOME": "/nowhere"})
    assert (settings.api_port, settings.seed, settings.api_key) == (8080, 3, None)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"TQS_API_PORT": "many"}, "^TQS_API_PORT: give a whole number$"),
        ({"TQS_GATE": "maybe"}, "^TQS_GATE: must be '"),
        ({"TQS_API_PROT": "3000"}, "Did you mean TQS_API_PORT"),
        ({"TQS_PREFECT_AUTH": "admin:short"}, "^TQS_PREFECT_AUTH: give user:password in ASCII"),
        ({"TQS_FOO": "1"}, "^TQS_FOO: there is no such setting. See docs/settings.md"),
        ({"DATABASE_URL": "mysql://db/x"}, "DATABASE_URL"),
        ({"TQS_SMTP_URL": "localhost"}, "TQS_SMTP_URL"),
        ({"TQS_MAIL_TO": "a@b\nBcc: c@d"}, "TQS_MAIL_TO"),
        ({"TQS_RAILS_TOKEN": "tokü"}, "^TQS_RAILS_TOKEN: give one line of ASCII"),
        ({"TQS_API_KEY": "two words"}, "^TQS_API_KEY: give one line of ASCII"),
        ({"TQS_DATA_DIR": "a\x00b"}, "^TQS_DATA_DIR: the value contains a line break"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(environ: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidSettings, match=named):
        load_settings(environ)


def test_white_space_around_a_setting_is_left_out_as_files_of_secrets_end_in_a_line_break() -> None:
    written = {
        "TQS_RAILS_TOKEN": "token\n",
        "TQS_RAILS_URL": " http://127.0.0.1:4567\r\n",
        "TQS_API_KEY": "key\n",
        "DATABASE_URL": "postgresql://db/tqs\n",
        "TQS_SEED": " 3 ",
        "TQS_SMTP_URL": " \n",
    }
    found = load_settings(written)
    assert (found.rails_token, found.rails_url, found.api_key) == ("token", "http://127.0.0.1:4567", "key")
    assert (found.database_url, found.seed, found.smtp_url) == ("postgresql+psycopg2://db/tqs", 3, None)


def test_secrets_are_not_shown() -> None:
    settings = load_settings({"DATABASE_URL": "postgresql://ann:secret@db/tqs", "TQS_API_KEY": "secret"})
    assert "secret" not in repr(settings)
    with pytest.raises(InvalidSettings) as error:
        load_settings({"DATABASE_URL": "mysql://ann:secret@db/x"})
    assert "secret" not in str(error.value)
