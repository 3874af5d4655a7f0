"""Webhooks to the Rails app: each change once, signed, retried for three days, only to the configured address."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from cli.webhooks import commands
from domain.outgoing import JITTER
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from gateways.rails.signatures import Signatures
from jobs.rails_webhooks import POLICY, Sender
from serving.guard.authentication import INSTALLATION
from serving.resources import Resources
from serving.state.champions import Champions
from store.access.audit import read_rows
from store.facts.load import load
from store.outgoing.webhooks import REPLAYED, DeliveryState, announce, deliveries, delivery, replay
from store.scores.records import save_scores
from tests.lib.api_parts import HEADERS, KEY, NOW, marketplace, problem, serving

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRETS = tuple("whsec_" + letter * 32 for letter in "AB")


@dataclass
class App:
    """A Rails app that returns a configured response and records the requests."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the library's default of 5 would reject simultaneous connections


@contextmanager
def rails() -> Iterator[App]:
    app = App()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            app.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(app.status)
            for name, value in app.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    app.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def app() -> Iterator[App]:
    with rails() as found:
        yield found


@dataclass
class Clock:
    """A clock that is set by the test."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(engine: Engine, app: App, clock: Clock) -> Iterator[Sender]:
    load(engine, marketplace())
    announce(engine, NOON)  # earlier scores are not sent
    found = Sender(engine, f"{app.url}/tutor_quality/webhooks", Signatures(SECRETS), clock, lambda: 0.5)
    yield found
    found.http.close()


def _score(subject: str, value: float, hours: float = 0, kind: ScoreKind = ScoreKind.HELP) -> Score:
    about = SubjectKind.SESSION if kind is ScoreKind.NO_SHOW else SubjectKind.TUTOR
    return Score(
        subject_kind=about, subject_id=subject, kind=kind, value=value, low=0, high=1, model_version="1",
        as_of=NOON + timedelta(hours=hours),
    )  # fmt: skip


def _of(engine: Engine, state: DeliveryState) -> list[tuple[str, str]]:
    return [(one.event_id, one.type) for one in deliveries(engine, state)]


def test_each_new_band_is_told_once_and_act_raises_an_alert(engine: Engine, sender: Sender, app: App) -> None:
    save_scores(engine, [_score("ada", 0.1), _score("ben", 0.3)])
    save_scores(engine, [_score("ada", 0.9, 1), _score("ben", 0.36, 1)])
    assert sender.sweep() == 3
    assert sender.sweep() == 0
    bodies = {headers["webhook-id"]: json.loads(body) for _, headers, body in app.got}
    assert sorted(bodies) == ["evt_2", "evt_3", "evt_3_alert"]
    assert bodies["evt_3_alert"]["type"] == "alert.raised"
    change = bodies["evt_3"]["data"]
    assert (change["tutor_id"], change["band"], change["previous_band"], change["previous_value"]) == (
        "ada",
        "act",
        "ok",
        0.1,
    )
    assert {path for path, _, _ in app.got} == {"/tutor_quality/webhooks"}
    assert len(_of(engine, DeliveryState.DELIVERED)) == 3


def test_either_secret_opens_a_webhook_while_one_takes_the_others_place(
    engine: Engine, sender: Sender, app: App, clock: Clock
) -> None:
    clock.at = datetime.now(UTC)  # the receiver's library uses the real clock only
    save_scores(engine, [_score("ben", 0.3)])
    sender.sweep()
    ((_, headers, body),) = app.got
    for secret in SECRETS:
        Webhook(secret).verify(body, headers)


def test_what_was_there_before_the_first_sweep_is_not_told(engine: Engine) -> None:
    save_scores(engine, [_score("ada", 0.9)])
    assert announce(engine, NOON) == 0
    save_scores(engine, [_score("ada", 0.1, 1)])
    assert announce(engine, NOON) == 1


def test_a_held_out_tutors_session_raises_no_alert_but_its_score_is_told(
    engine: Engine, sender: Sender, app: App
) -> None:
    day = date(2026, 3, 3)  # day of the upcoming session
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO contact_plans VALUES (:day, 1, 0.2, 0, :now)"), {"day": day, "now": NOON})
        connection.execute(
            text("INSERT INTO contacts (day, tutor_id, arm, action, rank) VALUES (:day, 'ada', 'holdout', 'call', 1)"),
            {"day": day},
        )
    save_scores(engine, [_score("next", 0.9, kind=ScoreKind.NO_SHOW)])
    sender.sweep()
    assert [headers["webhook-id"] for _, headers, _ in app.got] == ["evt_1"]


def test_what_is_not_taken_is_tried_for_three_days_longer_apart_each_time_then_given_up(
    engine: Engine, sender: Sender, app: App, clock: Clock
) -> None:
    app.status = 503
    save_scores(engine, [_score("ben", 0.3)])
    waited = []
    for wait in POLICY.retry_waits:
        assert sender.sweep() == 1
        assert sender.sweep() == 0
        (one,) = deliveries(engine, DeliveryState.PENDING)
        waited.append(one.due_at - clock.at)
        assert wait <= waited[-1] <= wait * (1 + JITTER)
        clock.at = one.due_at
    assert sum(waited, timedelta()) > timedelta(days=3)
    assert sender.sweep() == 1
    (one,) = deliveries(engine, DeliveryState.FAILED)
    found, attempts = delivery(engine, one.id)
    assert (found.tries, len(attempts), attempts[-1].status_code) == (10, 10, 503)


@pytest.mark.parametrize(("status", "state"), [(410, "failed"), (400, "pending"), (302, "pending"), (200, "delivered")])
def test_every_answer_but_success_is_tried_again_and_gone_is_believed(
    engine: Engine, sender: Sender, app: App, status: int, state: str
) -> None:
    with rails() as elsewhere:
        app.status, app.headers = status, {"location": f"{elsewhere.url}/secrets"}
        save_scores(engine, [_score("ben", 0.3)])
        sender.sweep()
        assert elsewhere.got == []  # redirects are not followed: only the configured address is used
    assert len(_of(engine, DeliveryState(state))) == 1


def test_a_wait_the_app_asks_for_is_kept(engine: Engine, sender: Sender, app: App, clock: Clock) -> None:
    app.status, app.headers = 429, {"retry-after": "3600"}
    save_scores(engine, [_score("ben", 0.3)])
    sender.sweep()
    (one,) = deliveries(engine, DeliveryState.PENDING)
    assert one.due_at - clock.at == timedelta(hours=1)


def test_an_app_that_is_away_is_tried_again_and_the_address_is_never_what_a_caller_sends(
    engine: Engine, sender: Sender, app: App
) -> None:
    sender.url = "http://127.0.0.1:1/"
    save_scores(engine, [_score("ben", 0.3).model_copy(update={"model_version": f"{app.url}/elsewhere"})])
    sender.sweep()
    (one,) = deliveries(engine, DeliveryState.PENDING)
    assert (one.status_code, one.error, app.got) == (None, "ConnectError", [])


def test_two_senders_share_the_work_and_send_nothing_twice(engine: Engine, sender: Sender, app: App) -> None:
    save_scores(engine, [_score(f"t{n}", 0.3) for n in range(200)])
    _together(lambda: sender.sweep(), lambda: sender.sweep())
    ids = [headers["webhook-id"] for _, headers, _ in app.got]
    assert len(ids) == len(set(ids)) == 200


def _together(*acts: Callable[[], object]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_replayed_delivery_goes_out_again_under_the_id_it_had(engine: Engine, sender: Sender, app: App) -> None:
    save_scores(engine, [_score("ben", 0.3)])
    sender.sweep()
    (one,) = deliveries(engine, DeliveryState.DELIVERED)
    assert replay(engine, [one.id, 99], INSTALLATION, NOON) == [one.id]
    assert replay(engine, [one.id], INSTALLATION, NOON) == []  # it is queued already
    sender.sweep()
    assert [headers["webhook-id"] for _, headers, _ in app.got] == [one.event_id] * 2


def test_a_delivery_that_waits_for_its_next_try_can_be_sent_at_once(engine: Engine, sender: Sender, app: App) -> None:
    app.status = 503
    save_scores(engine, [_score("ben", 0.3)])
    sender.sweep()
    (one,) = deliveries(engine, DeliveryState.PENDING)
    assert sender.sweep() == 0
    assert replay(engine, [one.id], INSTALLATION, NOON) == [one.id]
    app.status = 200
    assert sender.sweep() == 1
    assert [(kept.row.action, kept.row.subject_id) for kept in read_rows(engine)] == [(REPLAYED, str(one.id))]


def test_an_admin_sees_what_failed_and_sends_it_again_by_api_and_by_command(
    engine: Engine, sender: Sender, app: App, monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Any
) -> None:
    app.status = 410
    save_scores(engine, [_score("ben", 0.3), _score("ada", 0.3)])
    sender.sweep()
    with serving(Resources(engine, Champions(engine), KEY, lambda: NOW)) as url:
        first = httpx.get(f"{url}/api/admin/webhooks?limit=1", headers=HEADERS).json()
        rest = httpx.get(f"{url}/api/admin/webhooks?limit=1&before={first['next_before']}", headers=HEADERS).json()
        ids = [page["deliveries"][0]["event_id"] for page in (first, rest)]
        number = first["deliveries"][0]["id"]
        shown = httpx.get(f"{url}/api/admin/webhooks/{number}", headers=HEADERS).json()
        assert httpx.post(f"{url}/api/admin/webhooks/{number}/replay", headers=HEADERS).json() == {"replayed": [number]}
        problem(httpx.post(f"{url}/api/admin/webhooks/{number}/replay", headers=HEADERS), 404, "unknown_subject")
    assert ids == ["evt_2", "evt_1"]
    assert [attempt["status_code"] for attempt in shown["attempts"]] == [410]
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TQS_DATA_DIR", str(tmp_path))
    assert "evt_1" in CliRunner().invoke(commands(), ["failed"]).output
    assert CliRunner().invoke(commands(), ["replay", "--all-failed"]).output == "1 will be sent again\n"
    assert len(_of(engine, DeliveryState.PENDING)) == 2


def test_an_answer_that_is_nonsense_stops_no_sender(engine: Engine, sender: Sender, app: App) -> None:
    app.status, app.headers = 503, {"retry-after": "\u00b2"}
    save_scores(engine, [_score("ada", 0.9)])
    assert sender.sweep() > 0
    assert _of(engine, DeliveryState.PENDING)
