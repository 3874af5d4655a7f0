"""Partitioned computation, on threads and on an engine's workers, equals one pass over the whole marketplace."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from domain.errors import EngineUnavailable, NotEnoughData
from domain.vocabulary import Task
from features.as_of.past import Past
from features.as_of.prior_estimation import estimate_priors
from features.as_of.queries import microseconds_of, of_sessions
from features.base.dataset import Dataset
from features.catalogue import NO_SHOW_FEATURES, compute
from features.history.history import History
from features.partitions import as_table, compute_by_parts, estimate_by_parts, partition
from flows.train import cut_of
from flows.train_distributed import train_parts
from gateways.settings import Compute, Settings
from jobs.compute_engines import Dask, Engine, Threads, open_engine
from jobs.part_files import write_parts
from jobs.part_tables import feature_table
from tests.lib import histories as h
from tests.lib.markets import SMALL, market

END = microseconds_of(SMALL.end)
BUSY = 30_000
"""Sessions of one tutor who teaches more than all others together."""


@given(rows=h.marketplace())
@settings(max_examples=25, deadline=None)
def test_any_history_in_parts_gives_the_values_of_one_pass_to_the_last_bit(rows: h.Rows) -> None:
    dataset = h.dataset(rows)
    before = microseconds_of(h.BEGIN) + 60 * 86_400_000_000
    history = History(dataset)
    priors = estimate_priors(history, before)
    whole = compute(NO_SHOW_FEATURES, Past(history, of_sessions(history.sessions), priors))
    for n in (1, 3):
        parts = partition(dataset, n)
        assert estimate_by_parts(parts, before, workers=1) == priors
        assert np.array_equal(compute_by_parts(NO_SHOW_FEATURES, parts, priors, workers=1), whole, equal_nan=True)


def test_every_row_of_a_marketplace_lies_in_one_part() -> None:
    dataset = market().dataset
    parts = list(partition(dataset, 7))
    assert np.array_equal(np.sort(np.concatenate([p.rows for p in parts])), np.arange(_n_sessions(dataset)))
    for kind in ("tutors", "sessions", "reschedules", "messages"):
        assert sum(p.dataset.tables[kind].num_rows for p in parts) == dataset.tables[kind].num_rows
    for part in parts:
        own = set(part.dataset.tables["tutors"]["tutor_id"].to_pylist())
        assert set(part.dataset.tables["sessions"]["tutor_id"].to_pylist()) <= own


def test_priors_of_a_market_do_not_depend_on_how_it_was_divided() -> None:
    dataset = market().dataset
    assert estimate_by_parts(partition(dataset, 5), END, workers=2) == estimate_priors(History(dataset), END)


def test_the_table_is_the_same_however_many_parts_and_threads() -> None:
    one = feature_table(market().dataset, SMALL.end, Threads(1), n_parts=1)
    assert one.num_rows > 1000
    assert _same(feature_table(market().dataset, SMALL.end, Threads(2), n_parts=6), one)


def test_parts_read_from_files_are_those_that_were_written(tmp_path: Path) -> None:
    parts = partition(market().dataset, 2)
    files = write_parts(parts, tmp_path / "parts")
    for part, read in zip(parts, (files[i] for i in range(len(files))), strict=True):
        assert np.array_equal(read.rows, part.rows)
        assert read.dataset.attributes == part.dataset.attributes
        assert all(read.dataset.tables[kind].equals(as_table(table)) for kind, table in part.dataset.tables.items())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    chosen = Settings(data_dir=tmp_path_factory.mktemp("scale"), engine=Compute.DASK, workers=2)
    with open_engine(chosen) as engine:
        yield engine


@pytest.mark.slow
def test_workers_of_a_cluster_give_the_table_of_this_process(cluster: Engine) -> None:
    here = feature_table(market().dataset, SMALL.end, Threads(1), n_parts=1)
    assert _same(feature_table(market().dataset, SMALL.end, cluster, n_parts=4), here)


@pytest.mark.slow
def test_a_tutor_with_thirty_thousand_sessions_stalls_neither_engine(cluster: Engine) -> None:
    dataset = _with_a_busy_tutor(market().dataset)
    here = feature_table(dataset, SMALL.end, Threads(2), n_parts=4)
    assert here.num_rows > BUSY
    assert _same(feature_table(dataset, SMALL.end, cluster, n_parts=4), here)


@pytest.mark.slow
def test_trees_grown_on_workers_rank_the_sessions_after_the_cut(cluster: Engine) -> None:
    assert isinstance(cluster, Dask)
    dataset = market().dataset
    cut = cut_of(Task.NO_SHOW, History(dataset))
    _, found = train_parts(dataset, cut, seed=1, engine=cluster, n_parts=3)
    assert found > 0.6


@pytest.mark.slow
def test_too_little_to_train_on_is_said_before_anything_is_grown(cluster: Engine) -> None:
    assert isinstance(cluster, Dask)
    with pytest.raises(NotEnoughData, match="0 finished rows known before the cut to train on"):
        train_parts(h.dataset({}), END, seed=1, engine=cluster)


def test_a_scheduler_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    away = Settings(data_dir=tmp_path, engine=Compute.DASK, dask_scheduler="tcp://127.0.0.1:9")
    with pytest.raises(EngineUnavailable, match=r"tcp://127\.0\.0\.1:9 does not answer"), open_engine(away):
        pass


def _with_a_busy_tutor(dataset: Dataset) -> Dataset:
    """Add copies of the sessions with new ids, all assigned to one tutor."""
    sessions = dataset.tables["sessions"]
    tutor_id = dataset.tables["tutors"]["tutor_id"][0]
    more = sessions.take(pa.array(np.arange(BUSY * 2) % sessions.num_rows))
    for name, values in (
        ("session_id", pa.array([f"busy-{i}" for i in range(len(more))])),
        ("tutor_id", pa.repeat(tutor_id, len(more))),
    ):
        more = more.set_column(more.column_names.index(name), more.schema.field(name), values)
    return replace(dataset, tables={**dataset.tables, "sessions": pa.concat_tables([sessions, more])})


def _same(found: pa.Table, expected: pa.Table) -> bool:
    """True if two tables are bitwise equal; Arrow's own comparison treats NaN as unequal."""
    if found.schema != expected.schema or found.num_rows != expected.num_rows:
        return False
    pairs = ((found[name].to_numpy(), expected[name].to_numpy()) for name in found.column_names)
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _n_sessions(dataset: Dataset) -> int:
    return int(dataset.tables["sessions"].num_rows)
