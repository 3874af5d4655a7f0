"""Database role of the services on the embedded server: owner of its databases, not a superuser.

A PostgreSQL superuser can read files and run programs as the server's account, so no service signs in as one.
The role may create databases: MLflow's, one for the studies of `tqs tune`, and those of a restarted demo.
"""

from collections.abc import Callable

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import encrypt_password

from gateways.embedded_postgres.databases import create_database, server_cursor

ROLE = "tqs_app"
_ATTRIBUTES = sql.SQL("LOGIN NOSUPERUSER NOCREATEROLE CREATEDB NOREPLICATION NOBYPASSRLS")
_OWNED = """
    SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
    WHERE rolsuper AND NOT datistemplate AND datname <> 'postgres'
"""
# REASSIGN OWNED refuses the superuser created by initdb. Objects owned by a table's column move with the table.
_TRANSFER = """
    DO $$ DECLARE statement text; BEGIN
    FOR statement IN
        SELECT format('ALTER SCHEMA %I OWNER TO tqs_app', nspname) FROM pg_namespace
        WHERE nspowner IN (SELECT oid FROM pg_roles WHERE rolsuper)
            AND nspname !~ '^pg_' AND nspname <> 'information_schema'
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO tqs_app', kind, pg_class.oid::regclass) FROM pg_class
        JOIN (VALUES ('r', 'TABLE'), ('p', 'TABLE'), ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW'), ('S', 'SEQUENCE'),
            ('c', 'TYPE')) AS kinds (letter, kind) ON relkind::text = letter
        WHERE relowner IN (SELECT oid FROM pg_roles WHERE rolsuper)
            AND relnamespace::regnamespace::text !~ '^pg_' AND relnamespace <> 'information_schema'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i')
                AND classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass)
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO tqs_app', oid::regprocedure) FROM pg_proc
        WHERE proowner IN (SELECT oid FROM pg_roles WHERE rolsuper)
            AND pronamespace::regnamespace::text !~ '^pg_' AND pronamespace <> 'information_schema'::regnamespace
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO tqs_app', oid::regtype) FROM pg_type
        WHERE typowner IN (SELECT oid FROM pg_roles WHERE rolsuper) AND typtype IN ('e', 'd')
            AND typnamespace::regnamespace::text !~ '^pg_' AND typnamespace <> 'information_schema'::regnamespace
    LOOP EXECUTE statement; END LOOP;
    END $$
"""


def prepare_role(superuser_url: Callable[[str], str], password: str, database: str) -> None:
    """Create the role with this password and a database it owns, and transfer databases of an earlier version to it.

    `superuser_url` returns the superuser's URL for a database name. Idempotent. Raises DatabaseUnavailable.
    """
    with server_cursor(superuser_url("postgres"), database) as cursor:
        _write_role(cursor, password)
        cursor.execute(_OWNED)
        earlier = [name for (name,) in cursor.fetchall()]
    for name in earlier:
        _hand_over(superuser_url(name), name)
    create_database(superuser_url("postgres"), database, owner=ROLE)


def _write_role(cursor: Cursor, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
    verb = sql.SQL("CREATE" if cursor.fetchone() is None else "ALTER")
    verifier = encrypt_password(password, ROLE, cursor.connection, "scram-sha-256")  # the server logs no password
    role, secret = sql.Identifier(ROLE), sql.Literal(verifier)
    cursor.execute(sql.SQL("{} ROLE {} {} PASSWORD {}").format(verb, role, _ATTRIBUTES, secret))
    # DROP DATABASE WITH (FORCE) also ends autovacuum workers, which belong to no role.
    cursor.execute(sql.SQL("GRANT pg_signal_backend TO {}").format(role))


def _hand_over(url: str, name: str) -> None:
    """Transfer a database to the role; its owner changes last, so that an interrupted transfer is repeated."""
    with server_cursor(url, name) as cursor:
        cursor.execute(_TRANSFER)
        cursor.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(ROLE)))
