"""Disclosure of reasons and advice about no-shows of held-out tutors: none on routes, pages, commands, mail, webhooks.

Surfaces are listed from the app itself; one that is neither read nor excepted with a reason fails the test.
Each is read before the plan, where canaries must appear, and after it, where none may.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import panel as pn
import pytest
import typer
from fastapi import APIRouter
from sqlalchemy import Engine, text
from starlette.routing import BaseRoute, WebSocketRoute
from websockets.sync.client import connect

from cli.main import app as command_line
from domain.disclosure import WITHHELD
from domain.interventions import Arm, ContactPlan, PlannedContact, PlannedSession
from domain.score_kinds import SCORE_KINDS
from domain.scores import Reason, Score, WhatIf
from domain.vocabulary import ScoreKind, SubjectKind
from serving.app import create_app
from serving.openapi import document
from serving.resources import Resources
from serving.state.champions import Champions
from store.contacts.records import save_plan
from store.facts.load import load
from store.outgoing.webhooks import announce
from store.scores.records import save_scores
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, register, serving, small_model
from tests.lib.tutor_scores import cases_of
from ui.app import PAGES
from ui.page import Page, PageRequest

TOMORROW = NOW + timedelta(days=1)
ABOUT_NO_SHOWS = [kind for kind, described in SCORE_KINDS.items() if described.concerns_no_shows]
CANARY = re.compile(r"canary-[a-z_0-9-]+")
CHANGES = 2 * len(ABOUT_NO_SHOWS)
"""Number of score changes planted before the plan."""

Surfaces = dict[str, Callable[[], str]]
"""Readers of surfaces by name."""

ROUTES_NOT_READ: Mapping[str, str] = {
    "POST /api/predict/churn": "about leaving: shown in both arms",
    "POST /api/sessions": "takes an event",
    "POST /api/sessions/batch": "takes events",
    "POST /api/sessions/reconcile": "compares row counts",
    "POST /api/oauth/token": "returns an access token",
    "POST /api/quality/sessions": "takes a request about a transcript",
    "POST /api/admin/inbox/retry_parked": "returns event ids",
    "POST /api/admin/inbox/{row}/retry": "returns event ids",
    "POST /api/admin/keys": "returns a key",
    "DELETE /api/admin/keys/{key_id}": "revokes a key",
    "POST /api/admin/webhooks/replay_failed": "returns delivery ids",
    "POST /api/admin/webhooks/{number}/replay": "returns delivery ids",
}

SHOW_REASONS = {
    "GET /api/tutors", "GET /api/tutors/{tutor_id}/scores", "GET /api/tutors/{tutor_id}/recommendations",
    "GET /api/sessions/upcoming", "POST /api/predict/no_show", "page ./", "page upcoming", "page tutor", "tqs top",
    "tqs top --json", "tqs upcoming", "tqs upcoming --json", "webhooks and mails",
}  # fmt: skip
"""Surfaces that show reasons or advice before the plan, when they may."""

COMMANDS_NOT_READ: Mapping[str, str] = {
    "demo": "runs `top`, which is read",
    "simulate": "writes a dataset",
    "import": "reads a dataset",
    "backtest": "evaluates a dataset",
    "tune": "trains",
    "train": "trains",
    "score": "prints a count",
    "retention": "prints counts",
    "worker": "processes events",
    "erase": "erases",
    "inbox retry": "prints event ids",
    "webhooks replay": "prints delivery ids",
    "contacts plan": "prints a count",
    "contacts done": "takes a number of the list",
    "models show": "prints a model card",
    "models compare": "prints metrics",
    "models promote": "prints a version",
    "models rollback": "prints a version",
    "rails sync": "fetches events",
    "rails play": "simulates the Rails app",
    "keys create": "prints a key",
    "keys revoke": "prints a key id",
}


def _score(kind: ScoreKind, value: float, subject: str = "ada", hours: int = 0) -> Score:
    is_session = kind is ScoreKind.NO_SHOW
    canary = f"canary-{kind}"
    return Score(
        subject_kind=SubjectKind.SESSION if is_session else SubjectKind.TUTOR, subject_id=subject, kind=kind,
        value=value, low=value / 2, high=value, out_of=cases_of(kind), model_version="7",
        as_of=NOW - timedelta(hours=12 - hours),
        reasons=(Reason(theme="no-shows", text=f"{canary}-reason", effect=1.2),), action=f"{canary}-action",
        what_if=WhatIf(change=f"{canary}-change", value=value / 2, difference=-value / 2),
    )  # fmt: skip


def _plant(engine: Engine) -> None:
    load(engine, marketplace())
    register(engine, small_model())
    announce(engine, NOW)
    _save(engine, 0)


def _save(engine: Engine, hours: int) -> None:
    """Save scores in OK, then in Act, so that bands change and alerts are due."""
    for value in (0.05, 0.8):
        hours += 1
        scores = [_score(kind, value, "next" if kind is ScoreKind.NO_SHOW else "ada", hours) for kind in ABOUT_NO_SHOWS]
        save_scores(engine, scores)


def _hold_out(engine: Engine) -> None:
    contact = PlannedContact("ada", Arm.HOLDOUT, "canary-contact", 1, None, (PlannedSession("next", TOMORROW, 0.8),))
    assert save_plan(engine, ContactPlan(TOMORROW.date(), 1, 0.5, 0, (contact,)), NOW)
    _save(engine, 2)


@pytest.fixture
def api(engine: Engine) -> Iterator[httpx.Client]:
    _plant(engine)
    resources = Resources(engine, Champions(engine), KEY, lambda: NOW)
    with serving(resources) as address, httpx.Client(base_url=address, headers=HEADERS, timeout=20) as client:
        yield client


def _operations() -> Iterator[tuple[str, str]]:
    """Methods and paths in the OpenAPI document, and the WebSockets, which it does not describe."""
    for path, operations in json.loads(document())["paths"].items():
        yield from ((method.upper(), path) for method in operations if method != "parameters")
    yield from (("WEBSOCKET", route.path) for route in _flat(create_app(_nothing).routes))


def _flat(routes: Iterable[BaseRoute]) -> Iterator[WebSocketRoute]:
    for route in routes:
        included: APIRouter | None = getattr(route, "original_router", None)
        if included is not None:
            yield from _flat(included.routes)
        elif isinstance(route, WebSocketRoute):
            yield route


def _nothing() -> Resources:
    raise AssertionError("only the routes are read")


def _api_surfaces(client: httpx.Client) -> Surfaces:
    surfaces: Surfaces = {"POST /api/predict/no_show": lambda: _predicted(client)}
    for method, path in _operations():
        address = re.sub(r"\{[a-z_]+\}", "1", path.replace("{tutor_id}", "ada"))
        if method == "WEBSOCKET":
            surfaces[f"{method} {path}"] = partial(_messages, client, address)
        elif method == "GET":
            surfaces[f"{method} {path}"] = partial(_streamed if path.endswith("/stream") else _fetched, client, address)
        elif f"{method} {path}" not in ROUTES_NOT_READ.keys() | surfaces.keys():
            raise AssertionError(f"read {method} {path} here, or say in ROUTES_NOT_READ why not")
    return surfaces


def _fetched(client: httpx.Client, address: str) -> str:
    return client.get(address, params={"after": 0} if "changes" in address else None).text


def _streamed(client: httpx.Client, address: str) -> str:
    lines = []
    with client.stream("GET", address, params={"after": 0}) as stream:
        for line in stream.iter_lines():
            lines.append(line)
            if sum(line.startswith("data:") for line in lines) == CHANGES:
                break
    return "\n".join(lines)


def _messages(client: httpx.Client, address: str) -> str:
    url = str(client.base_url).replace("http", "ws", 1).rstrip("/") + address + "?after=0"
    with connect(url, additional_headers=HEADERS) as socket:
        return "\n".join(str(socket.recv(timeout=10)) for _ in range(CHANGES))


def _predicted(client: httpx.Client) -> str:
    """Texts of predictions; each with the model's own reasons, what-if or advice counts as a canary."""
    described = {"tutor_id": "ada", "starts_at": (TOMORROW + timedelta(hours=1)).isoformat()}
    shown = []
    for body in ({"session_id": "next"}, described):
        score = client.post("/api/predict/no_show", json=body | {"explain": True}).raise_for_status().json()["score"]
        shown += ["canary-predicted"] * bool(score["reasons"] or score["what_if"] or score["action"] != WITHHELD)
    return " ".join(shown)


def _page_surfaces(engine: Engine) -> Surfaces:
    return {f"page {page.address}": partial(_shown, engine, page) for page in PAGES}


def _shown(engine: Engine, page: Page) -> str:
    view = page.view(PageRequest(engine, NOW, "ada" if page.per_tutor else ""))
    return " ".join(pane.object for pane in view.select(pn.pane.HTML))


def _command_surfaces(capsys: pytest.CaptureFixture[str]) -> Surfaces:
    surfaces: Surfaces = {}
    for name, command in _commands(typer.main.get_command(command_line())):
        if name in COMMANDS_NOT_READ:
            continue
        needed = ["1"] * any(p.required and p.param_type_name == "argument" for p in command.params)
        for flags in ([], ["--json"]):
            surfaces[" ".join(("tqs", name, *flags))] = partial(_printed, capsys, [*name.split(), *needed, *flags])
    return surfaces


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command by its full name; untyped, because Typer's own copy of Click has no public types."""
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path), command


def _printed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    command_line()(arguments, standalone_mode=False)
    return re.sub(r"[\s│]+", "", capsys.readouterr().out)


def _outgoing(engine: Engine, read: list[int]) -> str:
    """Text of webhooks and mails not read before; an alert counts as a canary."""
    announce(engine, NOW)
    unread = text("SELECT id, body::text AS body FROM outgoing_messages WHERE NOT id = ANY (:read)")
    with engine.begin() as connection:
        rows = connection.execute(unread, {"read": read}).all()
    read += [row.id for row in rows]
    return " ".join(row.body for row in rows).replace("alert.raised", "canary-alert")


def _canaries(surfaces: Surfaces) -> dict[str, set[str]]:
    by_surface = {name: set(CANARY.findall(read())) for name, read in surfaces.items()}
    return {name: canaries for name, canaries in by_surface.items() if canaries}


def test_no_surface_shows_reasons_or_advice_about_a_held_out_tutor(
    api: httpx.Client,
    engine: Engine,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {"DATABASE_URL": database_url, "TQS_DATA_DIR": str(tmp_path), "COLUMNS": "300"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("gateways.clock.utc_now", lambda: NOW)
    surfaces: Surfaces = {"webhooks and mails": partial(_outgoing, engine, [])}
    surfaces |= _api_surfaces(api) | _page_surfaces(engine) | _command_surfaces(capsys)
    assert _canaries(surfaces).keys() >= SHOW_REASONS
    _hold_out(engine)
    assert _canaries(surfaces) == {}
