"""The declared moment as of which sessions are asked: the same in training and scoring."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from domain.errors import ModelMismatch
from domain.horizons import AT_BOOKING
from domain.vocabulary import Task
from features.as_of.priors import Priors
from features.as_of.queries import of_sessions, warning_moment
from features.base.dataset import Dataset
from features.history.history import History
from models.artifact.matrix import build, check_readable, features_of
from models.examples.rows import no_show_rows
from models.train.fitting import Request, fit
from models.train.training import default_cut
from tests.lib.drifting_market import drifting_market

HOUR = 3_600_000_000


def market(asked: timedelta | None) -> Dataset:
    return replace(drifting_market(1, per_day=80), asked=asked)


def test_sessions_asked_at_booking_are_rows_as_of_their_booking() -> None:
    history = History(market(AT_BOOKING))
    rows = no_show_rows(history)
    np.testing.assert_array_equal(rows.queries.as_of, history.sessions.booked_at[rows.subject])


def test_a_session_moved_after_its_booking_is_asked_when_its_start_became_known() -> None:
    sessions = History(market(AT_BOOKING)).sessions
    moved = replace(sessions, scheduled_at=sessions.booked_at + HOUR)
    np.testing.assert_array_equal(warning_moment(moved), sessions.booked_at + HOUR)


def test_sessions_are_asked_the_declared_time_before_their_start() -> None:
    sessions = History(market(timedelta(hours=2))).sessions
    np.testing.assert_array_equal(warning_moment(sessions), sessions.starts_at - 2 * HOUR)


@pytest.mark.parametrize("asked", [AT_BOOKING, timedelta(hours=6)])
def test_a_score_reads_the_columns_that_training_read(asked: timedelta) -> None:
    history = History(market(asked))
    rows, features = no_show_rows(history), features_of(Task.NO_SHOW)
    scored = of_sessions(history.sessions, rows.subject, as_of=int(history.sessions.starts_at.max()))
    trained, served = (build(features, (), history, q, Priors()) for q in (rows.queries, scored))
    np.testing.assert_array_equal(served, trained)


def test_before_the_declared_moment_a_session_is_scored_as_of_now() -> None:
    sessions = History(market(timedelta(hours=6))).sessions
    earliest = int(sessions.booked_at.min())
    assert (of_sessions(sessions, as_of=earliest).as_of == earliest).all()


def test_without_a_declaration_every_session_is_scored_as_of_now() -> None:
    sessions = History(market(None)).sessions
    now = int(sessions.starts_at.max())
    assert (of_sessions(sessions, as_of=now).as_of == now).all()


def test_a_model_asked_at_another_moment_is_refused() -> None:
    history = History(market(AT_BOOKING))
    rows = no_show_rows(history)
    request = Request(Task.NO_SHOW, history, rows, default_cut(rows), seed=0, params={"rounds": 5}, tutor_risk=False)
    sidecar = fit(request, request.cut).model.sidecar
    stored = type(sidecar).model_validate_json(sidecar.model_dump_json())
    assert stored.asked == AT_BOOKING
    check_readable(stored, history.dataset)
    with pytest.raises(ModelMismatch, match="train again"):
        check_readable(stored, market(None))
