from dataclasses import replace

import numpy as np

from features import columns
from features.history.history import History
from models.train.fitting import fit
from models.train.training import Training, train
from tests.lib.planted_market import request_of


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(
    market: tuple[History, np.ndarray], trained: Training
) -> None:
    again = train(replace(request_of(market), origins=0))
    assert again.model.ubj == trained.model.ubj
    assert again.model.sidecar == trained.model.sidecar
    assert again.evaluation.figures == trained.evaluation.figures
    ours, other = (replace(request_of(market, seed), features=(columns.no_show_rate, columns.hour)) for seed in (1, 2))
    assert fit(ours, ours.cut).model.ubj != fit(other, other.cut).model.ubj
