"""Rows whose label may be used: decided for every row of their age, and unknown when asked."""

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.vocabulary import SessionStatus, Task
from features.as_of.past import Past
from features.as_of.prior_estimation import estimate_priors
from features.as_of.queries import decided_when_asked
from features.catalogue import NO_SHOW_FEATURES, compute
from features.history.history import History
from models.artifact.matrix import matrix_of
from models.examples.rows import Rows, data_span, finished_rows, no_show_examples, no_show_rows
from models.learners.boosting import Params
from models.train.fitting import Request, fit
from tests.lib import histories as h
from tests.lib.bookings import DAYS, bookings
from tests.lib.planted_market import BEGIN, DAY

CUT = BEGIN + 450 * DAY
FEW: Params = {"rounds": 20}


def forecast_error(history: History, rows: Rows) -> float:
    """Mean forecast minus the share of positives on the decided rows after the cut."""
    request = Request(Task.NO_SHOW, history, rows, CUT, seed=0, params=FEW, tutor_risk=False)
    model = fit(request, CUT).model
    decided = no_show_rows(history)
    test = decided.where(decided.queries.as_of >= CUT)
    return float((model.probabilities(matrix_of(model.sidecar, history, test.queries)) - test.label).mean())


def test_outcomes_that_become_known_early_do_not_bias_a_model() -> None:
    history = bookings(seed=4)
    assert forecast_error(history, finished_rows(history)) > 0.07
    assert abs(forecast_error(history, no_show_rows(history))) < 0.03


def test_rows_still_open_at_the_end_of_the_data_leave_no_surplus_of_early_outcomes_to_test_on() -> None:
    history = bookings()
    everything, decided = finished_rows(history), no_show_rows(history)
    last = BEGIN + (DAYS - 100) * DAY
    share = decided.label[decided.queries.as_of < last].mean()
    assert everything.label[everything.queries.as_of >= last].mean() > share + 0.1
    assert decided.queries.as_of.max() < last
    assert decided.known_at.max() <= data_span(history)[1]


def test_complete_data_lose_no_row_at_their_end() -> None:
    kept = [
        {
            "session_id": f"x{day}",
            "tutor_id": "ada",
            "booked_at": h.BEGIN + timedelta(days=day),
            "starts_at": h.BEGIN + timedelta(days=day),
            "status": "completed",
            "outcome_known_at": h.BEGIN + timedelta(days=day + (20 if day < 30 else 1)),
        }
        for day in range(1, 40)
    ]
    history = History(h.dataset({"tutors": [{"tutor_id": "ada"}], "sessions": kept}))
    assert len(no_show_rows(history)) == len(kept)
    kept += [kept[-1] | {"session_id": f"open{n}", "status": "booked", "outcome_known_at": None} for n in range(5)]
    history = History(h.dataset({"tutors": [{"tutor_id": "ada"}], "sessions": kept}))
    assert no_show_rows(history).subject.max() < 30


@settings(max_examples=40, deadline=None)
@given(h.marketplace(), st.integers(0, 130))
def test_no_row_knows_its_own_outcome_and_none_both_trains_and_is_tested(market: h.Rows, day: int) -> None:
    history = History(h.dataset(market))
    rows = no_show_rows(history)
    sessions, cut = history.sessions, BEGIN + day * DAY
    assert (sessions.known_at[rows.subject] > rows.queries.as_of).all()
    assert not decided_when_asked(sessions)[rows.subject].any()
    trained = no_show_examples(rows, cut)
    assert not (rows.known_at < cut)[rows.queries.as_of >= cut].any()
    assert (trained.as_of < cut).all()


@settings(max_examples=40, deadline=None)
@given(h.marketplace())
def test_another_outcome_of_a_session_changes_nothing_in_its_own_row(market: h.Rows) -> None:
    history = History(h.dataset(market))
    rows = finished_rows(history)
    for place, subject in enumerate(rows.subject.tolist()):
        status = SessionStatus.COMPLETED if rows.label[place] else SessionStatus.NO_SHOW
        other = [
            s | {"status": status, "late_minutes": None} if i == subject else s
            for i, s in enumerate(market["sessions"])
        ]
        changed = History(h.dataset({**market, "sessions": other}))
        own = rows.queries.at(np.array([place]))
        priors = estimate_priors(history, int(own.as_of[0]))
        np.testing.assert_array_equal(*(compute(NO_SHOW_FEATURES, Past(of, own, priors)) for of in (history, changed)))
