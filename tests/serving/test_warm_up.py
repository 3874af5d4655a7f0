"""Warm-up before the first request."""

import gc
import logging
from collections.abc import Iterator

import pytest

from domain.vocabulary import Task
from models.artifact.champion import Champion
from models.artifact.model import Model
from serving.resources import Resources
from serving.state.champions import Champions
from serving.warm_up import warm_up
from store.db.engine import Engine, make_engine
from store.facts.load import load
from tests.lib.api_parts import KEY, NOW, marketplace, register, small_model


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def _trees_are_laid_out(champion: Champion | None) -> bool:
    return champion is not None and {"_walk", "_forest"} <= set(vars(champion.model))


@pytest.mark.parametrize("empty", [True, False])
def test_the_model_is_loaded_and_its_trees_laid_out(engine: Engine, empty: bool) -> None:
    model: Model = small_model()
    register(engine, model)
    if not empty:
        load(engine, marketplace())
    champions = Champions(engine)
    assert champions.known(Task.NO_SHOW) is None
    warm_up(Resources(engine, champions, KEY, lambda: NOW))
    assert _trees_are_laid_out(champions.known(Task.NO_SHOW))
    assert champions.known(Task.CHURN) is None
    assert gc.get_freeze_count() > 0


def test_a_service_starts_before_its_database(caplog: pytest.LogCaptureFixture) -> None:
    engine = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    warm_up(Resources(engine, Champions(engine), KEY, lambda: NOW))
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "does not answer" in line.getMessage()
