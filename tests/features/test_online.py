"""Bitwise equality of online queries for one tutor and batch queries for all tutors."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from psycopg2 import sql

from domain.schema import KINDS
from domain.vocabulary import SessionStatus, Task
from features.as_of.priors import Prior, Priors
from features.as_of.queries import microseconds_of, of_sessions, of_tutors
from features.base.dataset import TIME, Dataset, arrow_schema
from features.history.history import History
from models.artifact.matrix import build, features_of
from models.artifact.model import Model
from models.learners.tree_margins import MOST_ROWS
from quality.reasons import with_reason_codes
from serving.state.histories import Histories
from simulator.settings import MarketSettings
from store.db.binary_copy import table_of
from store.db.copying import copy_out
from store.db.engine import Engine, reading
from store.facts.history import HISTORY_KINDS, read_dataset
from store.facts.load import load
from tests.lib.api_parts import small_model
from tests.lib.markets import market

SETTINGS = MarketSettings(tutors=25, days=60, sessions_per_day=40, seed=11)
PRIORS = Priors.all_equal(Prior(rate=0.1, strength=7))


@pytest.fixture
def stored(engine: Engine) -> Dataset:
    load(engine, market(SETTINGS).dataset)
    return read_dataset(engine, kinds=HISTORY_KINDS)


def test_every_column_of_a_stored_session_is_the_same_online_and_in_the_batch(engine: Engine, stored: Dataset) -> None:
    batch = History(with_reason_codes(stored))
    as_of = microseconds_of(SETTINGS.end)
    features = features_of(Task.NO_SHOW)
    booked = np.flatnonzero(pc.equal(stored.tables["sessions"]["status"], SessionStatus.BOOKED).to_numpy())[:40]
    expected = build(features, (), batch, of_sessions(batch.sessions, booked, as_of), PRIORS)
    assert booked.size == 40
    histories = Histories(engine)
    for row, place in enumerate(booked.tolist()):
        session = stored.tables["sessions"].slice(place, 1)
        online = histories.around(session["session_id"][0].as_py())
        assert online is not None
        found = build(features, (), online, of_sessions(online.columns_of(session), as_of=as_of), PRIORS)
        assert found.tobytes() == np.ascontiguousarray(expected[row]).tobytes()


def test_every_column_of_a_tutor_is_the_same_online_and_in_the_batch(engine: Engine, stored: Dataset) -> None:
    batch = History(with_reason_codes(stored))
    as_of, features = microseconds_of(SETTINGS.end), features_of(Task.CHURN)
    expected = build(features, (), batch, of_tutors(np.arange(batch.n_tutors), as_of), PRIORS)
    histories = Histories(engine)
    for row, tutor_id in enumerate(batch.tutor_ids.to_pylist()):
        online = histories.of_tutor(tutor_id)
        assert online is not None
        found = build(features, (), online, of_tutors(np.zeros(1, np.int64), as_of), PRIORS)
        assert found.tobytes() == np.ascontiguousarray(expected[row]).tobytes()


def test_some_tutors_read_by_index_are_those_of_the_whole(engine: Engine, stored: Dataset) -> None:
    ids = stored.tables["tutors"]["tutor_id"].to_pylist()[3:7]
    some = read_dataset(engine, ids, HISTORY_KINDS)
    for kind in ("tutors", "sessions", "reschedules", "messages"):
        whole = stored.tables[kind]
        assert some.tables[kind].equals(whole.filter(pc.is_in(whole["tutor_id"], pa.array(ids))))
    students = stored.tables["students"]
    of_theirs = pc.unique(some.tables["sessions"]["student_id"])
    assert some.tables["students"].equals(students.filter(pc.is_in(students["student_id"], of_theirs)))
    assert some.tables["students"].num_rows > 0
    only = read_dataset(engine, ids, ["students"])
    assert only.tables["students"].equals(some.tables["students"])
    assert only.tables["sessions"].num_rows == 0


def test_whatever_postgresql_keeps_comes_back_through_binary_copy(engine: Engine) -> None:
    schema = pa.schema([("text", pa.string()), ("number", pa.float64()), ("time", TIME)])
    values = """(VALUES ('', 0.1::float8, '2026-03-29 01:30:00.000001+00'::timestamptz), (NULL, NULL, NULL),
        (E'\\u00fc\\t"\\n', '-Infinity', '1969-12-31 23:59:59+00'), ('x', 'NaN', '1999-01-01+00')) AS v"""
    with reading(engine) as connection:
        found = copy_out(connection, sql.SQL(f"SELECT * FROM {values}"), schema)
        nothing = copy_out(connection, sql.SQL(f"SELECT * FROM {values} WHERE false"), schema)
    assert found["text"].to_pylist() == ["", None, 'ü\t"\n', "x"]
    assert found["number"].to_pylist()[:3] == [0.1, None, -np.inf]
    assert np.isnan(found["number"][3].as_py())
    moments = [datetime(2026, 3, 29, 1, 30, 0, 1, UTC), None, datetime(1969, 12, 31, 23, 59, 59, 0, UTC)]
    assert found["time"].to_pylist() == [*moments, datetime(1999, 1, 1, tzinfo=UTC)]
    assert nothing.equals(schema.empty_table())


def test_a_copy_of_many_rows_comes_in_chunks_that_are_one_table() -> None:
    n = 230_000
    row = b"\x00\x01\x00\x00\x00\x01a"
    sent = np.frombuffer(b"\x00" * 19 + row * n + b"\xff\xff", np.uint8)
    found = table_of(sent, pa.schema([("letter", pa.string())]))
    assert found.num_rows == n
    assert pc.unique(found["letter"]).to_pylist() == ["a"]


def test_one_row_gets_the_probability_it_has_among_many() -> None:
    rng = np.random.default_rng(1)
    columns = rng.random((MOST_ROWS * 4, 2)).astype(np.float32)
    model: Model = small_model()
    alone = [model.probabilities(columns[row : row + 1])[0] for row in range(len(columns))]
    np.testing.assert_allclose(alone, model.probabilities(columns), rtol=1e-12)


def test_kinds_that_no_column_reads_are_left_in_the_database(engine: Engine) -> None:
    session_id = market(SETTINGS).dataset.tables["sessions"]["session_id"][0].as_py()
    transcript = {"session_id": session_id, "known_at": SETTINGS.end - timedelta(days=1), "text": "Hello."}
    tables = dict(market(SETTINGS).dataset.tables)
    tables["transcripts"] = pa.Table.from_pylist([transcript], schema=arrow_schema("transcripts"))
    load(engine, Dataset(tables, market(SETTINGS).dataset.attributes))
    assert read_dataset(engine).tables["transcripts"].num_rows == 1
    assert read_dataset(engine, kinds=HISTORY_KINDS).tables["transcripts"].num_rows == 0
    assert set(HISTORY_KINDS) == set(KINDS) - {"transcripts"}
