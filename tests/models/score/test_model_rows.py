"""Rows of a model as of a moment."""

import numpy as np

from features.history.history import History
from models.score.model_rows import booked_rows
from tests.lib.api_parts import NOW, marketplace, small_model


def test_booked_rows_are_the_sessions_of_the_next_two_weeks_with_the_models_margins() -> None:
    history, model = History(marketplace()), small_model()
    booked = booked_rows(model, "no_show/7", history, NOW)
    session = booked.rows.queries.session
    assert session is not None
    assert session.starts_at.tolist() == [int((NOW.timestamp() + 86_400) * 1e6)]
    assert np.array_equal(booked.margins, model.margins(booked.rows.matrix))
