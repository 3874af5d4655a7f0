"""`tqs keys` and `tqs audit`: API keys and the audit log."""

import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.operator import operator
from cli.printing import AsJson, cell, print_json, shown
from cli.steps import console
from domain.policy import Permission, Role

if TYPE_CHECKING:
    from domain.keys import ApiKey
    from store.access.audit import StoredRow


def commands() -> typer.Typer:
    """Commands under `tqs keys`."""
    group = typer.Typer(help="API keys and their permissions.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_all)
    group.command("revoke")(revoke)
    return group


def create(
    name: Annotated[str, typer.Argument(help="Name of the holder.")],
    role: Annotated[Role, typer.Option(help="Role, the most that the key allows.")],
    scope: Annotated[
        list[Permission] | None, typer.Option(help="Restrict the key to this permission; repeatable.")
    ] = None,
    tutor: Annotated[str | None, typer.Option(help="For the role tutor: the tutor's id.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="Expiry (UTC); never by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it. It is shown only once: the secret is stored as a SHA-256 digest."""
    import secrets

    from domain.keys import KeyWish
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.access.keys import create_key
    from store.scores.ranking import tutor_profile

    until = expires.replace(tzinfo=expires.tzinfo or UTC) if expires else None
    wish = KeyWish(name, role, frozenset(scope) if scope else None, tutor, until)
    with open_runtime(os.environ) as runtime:
        key, text = create_key(runtime.engine, wish, operator(), utc_now(), secrets.token_bytes)
        is_ahead = tutor is not None and tutor_profile(runtime.engine, tutor) is None
    if is_ahead:
        print(f"there is no tutor {shown(tutor)} yet: the key takes effect once there is", file=sys.stderr)
    if as_json:
        print_json({**_as_json(key), "key": text})
    else:
        print(f"key {key.id} for {shown(name)}, {role}. It is shown only once:\n{text}")


def list_all(as_json: AsJson = False) -> None:
    """List all keys, also revoked and expired ones, newest first."""
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.access.keys import list_keys

    with open_runtime(os.environ) as runtime:
        listed = list_keys(runtime.engine)
    if as_json:
        print_json({"keys": [_as_json(key) for key in listed]})
    elif not listed:
        console().print("There are no keys except the installation's own: create one with `tqs keys create`.")
    else:
        console().print(_keys_table(listed, utc_now()))


def revoke(key_id: Annotated[str, typer.Argument(help="The key's id.")], as_json: AsJson = False) -> None:
    """Revoke a key and its access tokens immediately, in every running service."""
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.access.keys import revoke_key

    with open_runtime(os.environ) as runtime:
        revoke_key(runtime.engine, key_id, operator(), utc_now())
    if as_json:
        print_json({"revoked": key_id})
    else:
        print(f"key {shown(key_id)} is revoked")


def audit(
    subject: Annotated[str | None, typer.Option(help="Only rows about this tutor, key or delivery.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only actions of this key, or of `installation`.")] = None,
    limit: Annotated[int, typer.Option(help="Number of rows.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Print the audit log, newest first: reads of tutors' data and actions of administrators."""
    from jobs.runtime import open_runtime
    from store.access.audit import read_rows

    with open_runtime(os.environ) as runtime:
        rows = read_rows(runtime.engine, subject, actor, limit=limit)
    if as_json:
        print_json({"rows": [{"id": kept.id, **asdict(kept.row)} for kept in rows]})
    elif not rows:
        console().print("The audit log has no such rows.")
    else:
        console().print(_audit_table(rows))


def _as_json(key: "ApiKey") -> dict[str, Any]:
    public = {name: value for name, value in vars(key).items() if name != "secret_sha256"}
    moments = {name: value.isoformat() for name, value in public.items() if isinstance(value, datetime)}
    return {**public, **moments, "scopes": None if key.scopes is None else sorted(key.scopes)}


def _keys_table(keys: "list[ApiKey]", now: datetime) -> Table:
    table = Table(title="API keys", expand=True)
    for name in ("Id", "Name", "Role", "Permissions", "Created by", "Last used (UTC)", "Status"):
        table.add_column(name)
    for key in keys:
        permissions = "all of the role" if key.scopes is None else ", ".join(sorted(key.scopes))
        used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
        role = f"{key.role} {key.tutor_id}" if key.tutor_id else str(key.role)
        cells = (key.id, key.name, role, permissions, key.created_by, used, _status(key, now))
        table.add_row(*map(cell, cells))
    return table


def _status(key: "ApiKey", now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if not key.works(now):
        return f"expired {key.expires_at:%Y-%m-%d %H:%M}"
    return f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "active"


def _audit_table(rows: "list[StoredRow]") -> Table:
    table = Table(title="Audit log", expand=True)
    for name in ("Time (UTC)", "Actor", "Role", "Action", "Subject"):
        table.add_column(name)
    for kept in rows:
        row = kept.row
        cells = (f"{row.at:%Y-%m-%d %H:%M:%S}", row.actor, row.role, row.action, row.subject_id or "–")
        table.add_row(*map(cell, cells))
    return table
