"""Fixtures of the whole suite: a real PostgreSQL, a new migrated database per test, and a network block."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from gateways.embedded_postgres.databases import create_database
from gateways.embedded_postgres.server import EmbeddedServer
from gateways.registry import prepare
from store.db.engine import make_engine, upgrade

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_ROOM = 4 << 30
_numbers = count()


def _refuse_outside(address: Any) -> None:
    if isinstance(address, tuple) and address[0] not in _LOOPBACK:
        raise RuntimeError(f"Tests have no network: a connection to {address[0]} was attempted.")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the kernels once before parallel workers start; in a new clone each would spend a minute on it."""
    if getattr(session.config.option, "numprocesses", None):
        from tests.lib.kernels import compile_all

        compile_all()


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Restrict sockets of this process to the loopback address."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            original = getattr(socket.socket, name)

            def guarded(self: socket.socket, address: Any, original: Any = original) -> Any:
                _refuse_outside(address)
                return original(self, address)

            patch.setattr(socket.socket, name, guarded)
        yield


def _quickest_place() -> Path | None:
    """Memory, if enough is free: a new database is 300 small files, created in .01 s there, in .3 s on a slow disk."""
    memory = Path("/dev/shm")
    return memory if memory.exists() and shutil.disk_usage(memory).free > _ROOM else None


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder per worker that the server's account may enter, unlike pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="tqs-test-", dir=_quickest_place()))
    os.chmod(folder, 0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server_url(server_folder: Path) -> Iterator[str]:
    """An embedded PostgreSQL per worker, without durability across power loss, which tests do not need."""
    with EmbeddedServer(server_folder, {"fsync": "off", "shared_buffers": "64MB"}) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_url(server_url: str) -> str:
    """A template database with the schema and no rows. No connection to it may stay open."""
    url = create_database(server_url, "migrated")
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def registry_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with MLflow's empty tables, to be copied: creating them takes seconds."""
    file = tmp_path_factory.mktemp("registry") / "mlflow.db"
    prepare(f"sqlite:///{file}")
    return file


@pytest.fixture
def empty_engine(server_url: str) -> Iterator[Engine]:
    """An engine on a new database without any table."""
    yield from _engine_on_new_database(server_url, "template1")


@pytest.fixture
def engine(server_url: str, migrated_url: str) -> Iterator[Engine]:
    """An engine on a new database with the schema and no rows."""
    yield from _engine_on_new_database(server_url, "migrated")


@pytest.fixture
def database_url(engine: Engine) -> str:
    """The address of the database of `engine`, password included."""
    return engine.url.render_as_string(hide_password=False)


def _engine_on_new_database(server_url: str, template: str) -> Iterator[Engine]:
    name = f"test_{next(_numbers)}"
    _on_server(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY WAL_LOG")
    engine = make_engine(server_url.rsplit("/", 1)[0] + f"/{name}")
    yield engine
    engine.dispose()
    _on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _on_server(server_url: str, statement: str) -> None:
    engine = make_engine(server_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
