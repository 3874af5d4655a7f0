"""Fixtures for tests of models, created once per process."""

import numpy as np
import pytest

from features.history.history import History
from models.train.training import Training, train
from tests.lib.planted_market import planted, request_of


@pytest.fixture(scope="session")
def market() -> tuple[History, np.ndarray]:
    """The planted marketplace as a history, and the true probability of each session."""
    dataset, truth = planted()
    return History(dataset), truth


@pytest.fixture(scope="session")
def trained(market: tuple[History, np.ndarray]) -> Training:
    """A training on the planted marketplace."""
    return train(request_of(market))
