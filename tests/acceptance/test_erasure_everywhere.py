"""Erasure after real flows have built, trained, scored and mailed: no canary is left in any store."""

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from domain.vocabulary import Task
from flows.build_features import build_features
from flows.contacts import contacts
from flows.monitor import monitor
from flows.score import score
from flows.standalone import run
from flows.train import train
from gateways.registry.tracking import own_tracking_uri
from simulator.mail_sink import MailSink
from store.db.engine import make_engine
from store.facts.attributes import define
from store.facts.erasure import Person, erase
from store.facts.load import load
from store.ledger.tuned_parameters import record_tuned
from tests.flows.test_flows import _quick
from tests.lib.canaries import BY, NOTES, STUDENT, TUTOR, Canaries, dump, plant, plant_late
from tests.lib.inbox_parts import NOON, one
from tests.lib.markets import FEW, market

pytestmark = pytest.mark.slow  # two trainings


def _plant_in_the_market(engine: Engine, canaries: Canaries) -> str:
    """Plant canaries in a busy tutor's name, and in notes and reasons of their sessions. Returns the tutor's id."""
    busy = "SELECT tutor_id FROM sessions GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    tutor: str = one(engine, busy).tutor_id
    canaries.planted.append(("id", tutor))
    with engine.begin() as connection:
        define(connection, NOTES)
        sessions = text("SELECT session_id FROM sessions WHERE tutor_id = :tutor ORDER BY starts_at DESC LIMIT 100")
        names = connection.execute(sessions, {"tutor": tutor}).scalars().all()
        notes = {name: canaries.one("market notes", "note {}") for name in names}
        connection.execute(
            text("""
                UPDATE sessions SET attributes = attributes || jsonb_build_object('note', r.value)
                FROM jsonb_each_text(CAST(:notes AS jsonb)) AS r WHERE session_id = r.key
            """),
            {"notes": json.dumps(notes)},
        )
        named = {"tutor": tutor, "name": canaries.one("market names", "Ann {}"), "note": canaries.one("market", "{}")}
        connection.execute(
            text("""
                UPDATE tutors
                SET name = :name, attributes = attributes || jsonb_build_object('note', CAST(:note AS text))
                WHERE tutor_id = :tutor
            """),
            named,
        )
    return tutor


def _files(folder: Path, apart: Iterable[str]) -> str:
    """Text of all files below a folder, with the values of Parquet tables, except in the folders `apart`."""
    texts = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).parts[0] not in apart:
            readable = str(pq.read_table(path).to_pydict()) if path.suffix == ".parquet" else ""
            texts.append(f"{path}\n{path.read_bytes().decode('latin-1')}\n{readable}")
    return "\n".join(texts)


def test_of_all_canaries_none_is_left_in_any_database_file_or_log(
    engine: Engine,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    canaries = Canaries()
    load(engine, market(FEW).dataset)
    tutor = _plant_in_the_market(engine, canaries)
    for name in Task:
        record_tuned(engine, _quick(name))
    data = tmp_path / "data"
    environ = {"DATABASE_URL": engine.url.render_as_string(hide_password=False), "TQS_DATA_DIR": str(data)}
    with MailSink(data / "mails") as sink:
        for name, value in (environ | {"TQS_SMTP_URL": sink.url, "TQS_GATE": "dry_run"}).items():
            monkeypatch.setenv(name, value)
        for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
            monkeypatch.delenv(name, raising=False)
        as_of = FEW.end.isoformat()
        run(build_features, as_of=as_of)
        assert set(run(train, seed=1)) == set(Task)
        assert run(score, as_of=as_of) > 300
        run(contacts, as_of=as_of)
        assert "1 mail sent" in run(monitor, as_of=as_of)
        plant(engine, canaries)  # after the training, as its dates are later than the market's
        build_and_score = (run(build_features, as_of=NOON.isoformat()), run(score, as_of=NOON.isoformat()))
        assert min(build_and_score) > 0
    mlflow = make_engine(own_tracking_uri(server_url))
    before = sum(canaries.in_text(dump(engine)).values())
    with engine.begin() as connection:
        people = [("tutor", TUTOR), ("student", STUDENT), ("tutor", tutor)]
        erase(connection, [Person(kind, name, NOON) for kind, name in people], BY, NOON)
    plant_late(engine, canaries)
    logged = "".join(capfd.readouterr()) + caplog.text
    stores = {"database": dump(engine), "mlflow": dump(mlflow), "files": _files(data, {"mails"}), "logs": logged}
    mlflow.dispose()
    left = {store: canaries.in_text(content) for store, content in stores.items()}
    with capfd.disabled():
        ways = len(canaries.counts())
        print(f"\n{sum(canaries.counts().values())} canaries by {ways} entry points, {before} in the database before, "
              f"found after erase: {sum(sum(counts.values()) for counts in left.values())}")  # fmt: skip
    assert left == {store: {} for store in stores}
    assert "no_show" in stores["mlflow"]
    assert len(stores["files"]) > 1_000_000
