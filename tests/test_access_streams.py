"""Streams that are open: a WebSocket passes the same guard, and nothing more is sent once the key is revoked."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from domain.policy import Role
from domain.scores import Score
from domain.vocabulary import ScoreKind, SubjectKind
from serving.callers import INSTALLATION
from serving.resources import Resources
from store.audit import read_rows
from store.database import Engine
from store.keys import revoke_key
from store.load import load
from store.scores import save_scores
from tests.access_parts import bearer, callers, new_key, resources_of
from tests.api_parts import NOW, PROBLEM, marketplace, serving

STREAM = "/api/tutors/ada/changes/stream"
SOCKET = "/api/tutors/ada/changes/ws"


@pytest.fixture
def resources(engine: Engine) -> Resources:
    load(engine, marketplace())
    return resources_of(engine)


@pytest.fixture
def address(resources: Resources) -> Iterator[str]:
    with serving(resources) as found:
        assert httpx.get(f"{found}/api/health").status_code == 200
        assert resources.door.callers.wait_listening(5)
        yield found
        resources.hub.close()  # or the server would wait for the streams


def _change(engine: Engine, value: float) -> None:
    scored = Score(
        subject_kind=SubjectKind.TUTOR, subject_id="ada", kind=ScoreKind.HELP, value=value, low=0, high=1,
        model_version="1", as_of=NOW,
    )  # fmt: skip
    save_scores(engine, [scored])


def _revoked(engine: Engine, resources: Resources, key_id: str, text: str) -> None:
    """Revoke a key as another process would, and wait until this one has heard of it."""
    revoke_key(engine, key_id, INSTALLATION, NOW)
    until = time.monotonic() + 1
    while resources.door.callers.known(text) is not None:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_stream_ends_with_its_key_before_the_next_change(
    address: str, engine: Engine, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = new_key(engine)
    with httpx.stream("GET", f"{address}{STREAM}", headers=bearer(text), timeout=5) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry")
        _change(engine, 0.9)
        assert next(line for line in lines if line.startswith("data: "))
        _revoked(engine, resources, key.id, text)
        _change(engine, 0.1)
        assert [line for line in lines if line] == []  # it ended, without that change
    assert not caplog.records
    assert [row.row.action for row in read_rows(engine, "ada")] == ["GET /api/tutors/{tutor_id}/changes/stream"]


def test_a_websocket_is_closed_with_its_key_before_the_next_change(
    address: str, engine: Engine, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = new_key(engine)
    with connect(address.replace("http", "ws") + SOCKET, additional_headers=bearer(text)) as socket:
        _change(engine, 0.9)
        assert json.loads(socket.recv(5))["data"]["value"] == 0.9
        _revoked(engine, resources, key.id, text)
        _change(engine, 0.1)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert not [record for record in caplog.records if record.name.startswith("tutor_quality")]
    assert [row.row.action for row in read_rows(engine, "ada")] == ["WEBSOCKET /api/tutors/{tutor_id}/changes/ws"]


def test_a_websocket_opens_for_whom_the_policy_lets_in(address: str, engine: Engine) -> None:
    expected = {
        "anonymous": 401, "expired": 401, "revoked": 401, "ingest": 403, "read": 101, "admin": 101, "tutor": 101,
    }  # fmt: skip
    for caller, key in callers(engine).items():
        assert _opened(address + SOCKET, key) == expected[caller], caller
        assert _opened(f"{address}/api/tutors/ben/changes/ws", key) == (
            403 if caller == Role.TUTOR else expected[caller]
        )
        assert _opened(f"{address}/api/nowhere/ws", key) == (401 if expected[caller] == 401 else 404)


def _opened(address: str, key: str | None) -> int:
    """The status of the answer to a WebSocket's handshake; a refusal is a problem document."""
    try:
        with connect(address.replace("http", "ws"), additional_headers=bearer(key)):
            return 101
    except InvalidStatus as refused:
        response = refused.response
        assert response.headers["content-type"] == PROBLEM
        assert json.loads(response.body or b"")["request_id"] == response.headers["x-request-id"]
        return int(response.status_code)
