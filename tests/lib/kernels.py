"""Calls of the compiled kernels with their usual argument types, which fill the compilation cache."""

import numpy as np

from domain.vocabulary import Task
from features.as_of.priors import Prior, Priors
from features.as_of.queries import of_sessions, of_tutors, take
from features.history.history import History
from models.artifact.matrix import build, features_of
from models.score.scoring import score_sessions
from tests.lib.api_parts import NOW, marketplace, small_model


def compile_all() -> None:
    """Compute columns of both models, tree margins and contributions."""
    history, priors = History(marketplace()), Priors.all_equal(Prior(rate=0.1, strength=7))
    sessions = of_sessions(history.sessions)
    build(features_of(Task.NO_SHOW), (), history, sessions, priors)
    build(
        features_of(Task.CHURN), (), history, of_tutors(np.arange(history.n_tutors), int(sessions.as_of.max())), priors
    )
    ids = history.dataset.tables["sessions"]["session_id"].to_pylist()
    score_sessions(small_model(), "1", history, ids, history.sessions, NOW)
    score_sessions(small_model(), "1", history, ids[:1], take(history.sessions, np.array([0])), NOW)
