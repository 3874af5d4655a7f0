"""`tqs keys` and `tqs audit`: who may use the API, and what they did with it."""

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
    from store.access.audit import KeptRow


def commands() -> typer.Typer:
    """The commands under `tqs keys`."""
    found = typer.Typer(help="Keys of the API: who may do what.", no_args_is_help=True)
    found.command("create")(create)
    found.command("list")(list_all)
    found.command("revoke")(revoke)
    return found


def create(
    name: Annotated[str, typer.Argument(help="Who will hold it.")],
    role: Annotated[Role, typer.Option(help="What its holder may do at most.")],
    scope: Annotated[list[Permission] | None, typer.Option(help="Only this part of the role; may be repeated.")] = None,
    tutor: Annotated[str | None, typer.Option(help="For the role tutor: whose scores it opens.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="When it ends (UTC); never by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it. It is shown this once: only a SHA-256 of its secret is kept."""
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
        print(f"no tutor {shown(tutor)} is known yet: the key opens them once they are", file=sys.stderr)
    if as_json:
        print_json({**_as_json(key), "key": text})
    else:
        print(f"key {key.id} for {shown(name)}, {role}. It is shown this once:\n{text}")


def list_all(as_json: AsJson = False) -> None:
    """Every key there ever was, the newest first."""
    from gateways.clock import utc_now
    from jobs.runtime import open_runtime
    from store.access.keys import list_keys

    with open_runtime(os.environ) as runtime:
        found = list_keys(runtime.engine)
    if as_json:
        print_json({"keys": [_as_json(key) for key in found]})
    elif not found:
        console().print("There are no keys but the installation's own: make one with `tqs keys create`.")
    else:
        console().print(_keys_table(found, utc_now()))


def revoke(key_id: Annotated[str, typer.Argument(help="The key's id.")], as_json: AsJson = False) -> None:
    """Make a key and its tokens useless at once, in every running service."""
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
    subject: Annotated[str | None, typer.Option(help="Only what concerns this tutor, key or delivery.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this key, or `installation`, did.")] = None,
    limit: Annotated[int, typer.Option(help="How many rows.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Print who read a tutor's data and what administrators did, the newest first."""
    from jobs.runtime import open_runtime
    from store.access.audit import read_rows

    with open_runtime(os.environ) as runtime:
        found = read_rows(runtime.engine, subject, actor, limit=limit)
    if as_json:
        print_json({"rows": [{"id": kept.id, **asdict(kept.row)} for kept in found]})
    elif not found:
        console().print("Nothing of that kind was done yet.")
    else:
        console().print(_audit_table(found))


def _as_json(key: "ApiKey") -> dict[str, Any]:
    public = {name: value for name, value in vars(key).items() if name != "secret_sha256"}
    moments = {name: value.isoformat() for name, value in public.items() if isinstance(value, datetime)}
    return {**public, **moments, "scopes": None if key.scopes is None else sorted(key.scopes)}


def _keys_table(keys: "list[ApiKey]", now: datetime) -> Table:
    table = Table(title="Keys of the API", expand=True)
    for name in ("Id", "Name", "Role", "May", "Made by", "Last used (UTC)", "Status"):
        table.add_column(name)
    for key in keys:
        may = "all of the role" if key.scopes is None else ", ".join(sorted(key.scopes))
        used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
        role = f"{key.role} {key.tutor_id}" if key.tutor_id else str(key.role)
        cells = (key.id, key.name, role, may, key.created_by, used, _status(key, now))
        table.add_row(*map(cell, cells))
    return table


def _status(key: "ApiKey", now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if not key.works(now):
        return f"expired {key.expires_at:%Y-%m-%d %H:%M}"
    return f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "works"


def _audit_table(rows: "list[KeptRow]") -> Table:
    table = Table(title="What was read and done", expand=True)
    for name in ("When (UTC)", "Who", "As", "What", "About"):
        table.add_column(name)
    for kept in rows:
        row = kept.row
        cells = (f"{row.at:%Y-%m-%d %H:%M:%S}", row.actor, row.role, row.action, row.subject_id or "–")
        table.add_row(*map(cell, cells))
    return table
