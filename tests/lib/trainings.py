"""A training of a few trees on synthetic columns, complete enough to be registered, gated and described."""

from datetime import UTC, datetime

import numpy as np
import xgboost as xgb

from domain.vocabulary import Task
from features.as_of.priors import Prior, Priors
from features.as_of.queries import of_tutors
from models.artifact.model import Model, seal
from models.evaluate.metrics import Evaluation, Slice, compare, curves, figures_with_intervals
from models.examples.rows import Rows
from models.learners.calibration import fit
from models.train.training import Training

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
COLUMNS = ("no_show_rate", "tenure_days")
N, N_TUTORS = 3000, 150
WEEK = 7 * 86_400_000_000


def training(task: Task = Task.NO_SHOW, signal: float = 4.0, seed: int = 0, known_before: datetime = NOW) -> Training:
    """Train on two columns, of which the first raises the log odds by `signal` over its range; 0 means pure noise."""
    rng = np.random.default_rng(seed)
    columns = rng.random((2 * N, 2)).astype(np.float32)
    labels = (rng.random(2 * N) < 1 / (1 + np.exp(2 - signal * (columns[:, 0] - 0.5)))).astype(np.float64)
    tutors = rng.integers(0, N_TUTORS, 2 * N)
    model = _model(task, columns[:N], labels[:N], tutors[:N], known_before)
    test, outcomes, test_tutors = columns[N:], labels[N:], tutors[N:]
    scores = model.probabilities(test)
    end = round(known_before.timestamp() * 1e6)
    as_of = end - WEEK + np.sort(rng.integers(0, WEEK, N))
    return Training(
        model=model,
        evaluated=model,
        evaluation=_evaluation(outcomes, scores, test_tutors),
        n_train=N,
        n_censored=0,
        params={"rounds": 5, "eta": 0.3, "monotone_constraints": "(1,0)"},
        importance=dict.fromkeys(COLUMNS, 0.5),
        sample=columns[:5],
        scores=scores,
        test=Rows(of_tutors(test_tutors, as_of), outcomes, as_of + 1, test_tutors),
    )


def _model(task: Task, columns: np.ndarray, labels: np.ndarray, tutors: np.ndarray, known_before: datetime) -> Model:
    half = len(labels) // 2
    params = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "seed": 0}
    booster = xgb.train(params, xgb.DMatrix(columns[:half], labels[:half]), num_boost_round=5)
    margins = booster.predict(xgb.DMatrix(columns[half:]), output_margin=True).astype(np.float64)
    return seal(
        booster,
        task=task,
        features=COLUMNS,
        attributes=(),
        priors=Priors.all_equal(Prior(rate=0.1, strength=10)),
        calibration=fit(margins, labels[half:], tutors[half:]),
        base_rate=float(labels.mean()),
        typical=(0.1, 12.0),
        known_before=known_before,
        data_fingerprint="f" * 64,
    )


def _evaluation(labels: np.ndarray, scores: np.ndarray, tutors: np.ndarray) -> Evaluation:
    figures = figures_with_intervals(labels, scores, tutors, 0, 40)
    return Evaluation(
        n_test=labels.size,
        base_rate=float(labels.mean()),
        figures=figures,
        curves=curves(labels, scores, tutors),
        ceiling={"roc_auc": figures["roc_auc"]},
        slices=(Slice("load", "low", 900, 80, figures["roc_auc"], figures["ece"]), Slice("load", "high", 30, 2)),
        baselines=compare(labels, scores, {"base_rate": np.full(labels.size, 0.1)}, tutors, 0, 40),
    )
