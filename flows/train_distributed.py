"""Flow `train_distributed`: training of no-show trees on a Dask cluster, for data larger than one memory.

`TQS_ENGINE=dask python -m flows.train_distributed`. Starts local workers unless TQS_DASK_SCHEDULER is
set. The trees are written to the data folder; they pass no gate and are not served.
"""

import os
from functools import partial
from pathlib import Path

import numpy as np
from prefect import flow

from domain.errors import EngineUnavailable
from domain.vocabulary import Task
from features.as_of.prior_estimation import priors_of
from features.as_of.priors import Priors
from features.base.array_types import Values
from features.base.dataset import Dataset
from features.catalogue import NO_SHOW_FEATURES
from features.history.history import History
from features.partitions import partition
from flows import standalone
from flows.score import load
from flows.train import cut_of
from jobs.compute_engines import Dask, Parts, open_engine
from jobs.part_tables import count
from jobs.runtime import open_runtime
from models.artifact import matrix
from models.evaluate.metrics import figures
from models.examples.rows import no_show_rows
from models.learners.boosting import Shape
from models.learners.distributed import Labelled, predict, train_on_workers
from models.train.fitting import DEFAULT_PARAMS
from models.train.held_out import MIN_OUTCOMES, MIN_TEST_OUTCOMES, check

FILE = "no_show_distributed.ubj"


def part_rows(parts: Parts, cut: int, priors: Priors, later: bool, i: int) -> Labelled:
    """Matrix and labels of a part: known before the cut (UTC microseconds), or with `later`, as of it and after."""
    history = History(parts[i].dataset)
    rows = no_show_rows(history)
    rows = rows.where(rows.queries.as_of >= cut if later else rows.known_at < cut)
    return matrix.build(NO_SHOW_FEATURES, [], history, rows.queries, priors), rows.label


def part_labels(parts: Parts, cut: int, i: int) -> Values:
    """Labels of a part known before the cut."""
    rows = no_show_rows(History(parts[i].dataset))
    return rows.label[rows.known_at < cut]


def part_scores(parts: Parts, cut: int, priors: Priors, ubj: bytes, i: int) -> tuple[Values, Values]:
    """Probabilities and labels of a part's later rows."""
    rows, labels = part_rows(parts, cut, priors, True, i)
    return predict(ubj, rows), labels


def train_parts(dataset: Dataset, cut: int, seed: int, engine: Dask, n_parts: int = 0) -> tuple[bytes, float]:
    """Train on rows known before the cut. Returns the trees as UBJ bytes and their ROC AUC on later rows.

    Raises NotEnoughData.
    """
    divided = partition(dataset, n_parts)
    parts, n = engine.share(divided), len(divided)
    known = np.concatenate(engine.each(partial(part_labels, parts, cut), n))
    check("known before the cut to train on", known, MIN_OUTCOMES)
    priors = priors_of(engine.each(partial(count, parts, cut), n))
    shape = Shape([feature.monotone for feature in NO_SHOW_FEATURES])
    settings = DEFAULT_PARAMS[Task.NO_SHOW] | {"seed": seed}
    booster = train_on_workers(engine.client, partial(part_rows, parts, cut, priors, False), n, settings, shape)
    ubj = bytes(booster.save_raw("ubj"))
    scores, labels = zip(*engine.each(partial(part_scores, parts, cut, priors, ubj), n), strict=True)
    tested = np.concatenate(labels)
    check("to test on", tested, MIN_TEST_OUTCOMES)
    return ubj, figures(tested, np.concatenate(scores))["roc_auc"].value


@flow(name="train_distributed", log_prints=True, timeout_seconds=7200)
def train_distributed() -> float:
    """Train on the workers and write the trees to the data folder. Returns the ROC AUC. Raises EngineUnavailable."""
    with open_runtime(os.environ) as runtime, open_engine(runtime.settings) as engine:
        if not isinstance(engine, Dask):
            raise EngineUnavailable("threads share one memory: `tqs train` trains there. Set TQS_ENGINE=dask.")
        history = load(runtime)
        ubj, roc_auc = train_parts(history.dataset, cut_of(Task.NO_SHOW, history), runtime.settings.seed, engine)
        path = _keep(runtime.settings.data_dir / FILE, ubj)
    print(f"ROC AUC {roc_auc:.3f} after the cut; {path}")
    return roc_auc


def _keep(path: Path, ubj: bytes) -> Path:
    path.write_bytes(ubj)
    return path


if __name__ == "__main__":
    standalone.main(train_distributed)
