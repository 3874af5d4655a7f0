"""Address of an installation's database, determined without starting an embedded server."""

from pathlib import Path

import psutil  # type: ignore[import-untyped]

from domain.errors import DatabaseUnavailable
from gateways.embedded_postgres.server import DATABASE
from gateways.settings import Settings

_HOST = "127.0.0.1"


def existing_database(settings: Settings) -> str:
    """DATABASE_URL, otherwise the address of the running embedded server. Raises DatabaseUnavailable if none runs."""
    return settings.database_url or _embedded(settings.data_dir.absolute() / "postgres")


def _embedded(home: Path) -> str:
    try:
        lines = (home.resolve() / "cluster" / "postmaster.pid").read_text().splitlines()
        password = (home / "password").read_text()
        if psutil.pid_exists(int(lines[0])):
            return f"postgresql+psycopg2://{DATABASE}:{password}@{_HOST}:{int(lines[3])}/{DATABASE}"
    except PermissionError as error:
        raise DatabaseUnavailable(f"{error.filename} cannot be read: run this as the services' user") from error
    except (OSError, IndexError, ValueError):
        pass
    raise DatabaseUnavailable(f"no embedded PostgreSQL is running in {home}, and DATABASE_URL is not set")
