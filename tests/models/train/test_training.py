"""Training on a small planted marketplace: training rows, held-out rows and the resulting model."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import NotEnoughData
from domain.vocabulary import Task
from features.base.dataset import Dataset
from features.history.history import History
from features.source import source_sha256
from models.artifact.matrix import features_of, matrix_of
from models.examples.rows import (
    churn_examples,
    churn_rows,
    data_span,
    no_show_examples,
    no_show_rows,
    periods_of,
)
from models.learners.calibration import expit
from models.train.fitting import Request, fit
from models.train.training import Training, default_cut, later_rows, train
from tests.lib import histories as h
from tests.lib.planted_market import HORIZON, made, request_of


def test_no_label_known_at_or_after_the_cut_trains_and_no_row_before_it_is_tested(
    market: tuple[History, np.ndarray],
) -> None:
    rows = churn_rows(market[0], HORIZON, timedelta(days=1))
    cut = default_cut(rows)
    examples = churn_examples(market[0], HORIZON, timedelta(days=1), cut)
    assert examples.known_at.max() <= cut
    later = rows.where(later_rows(Request(Task.CHURN, market[0], rows, cut, seed=0)))
    assert later.queries.as_of.min() >= cut
    # The horizon is the gap: rows within it before the cut contribute only the periods observed by the cut.
    late = examples.as_of > cut - HORIZON // timedelta(microseconds=1)
    assert late.any()
    assert examples.period is not None
    assert set(examples.period[late]) == {0, 1}


def test_changing_what_came_after_the_cut_changes_no_byte_of_the_model(
    market: tuple[History, np.ndarray], trained: Training
) -> None:
    request = request_of(market)
    sessions = market[0].dataset.tables["sessions"]
    late = market[0].sessions.known_at >= request.cut
    flipped = np.where(late, np.roll(np.asarray(sessions["status"]), 1), np.asarray(sessions["status"]))
    changed = sessions.set_column(sessions.schema.get_field_index("status"), "status", pa.array(flipped, pa.string()))
    history = History(Dataset({**market[0].dataset.tables, "sessions": changed}))
    again = train(replace(request, history=history, rows=no_show_rows(history), origins=0, refit=False))
    assert again.evaluated == trained.evaluated
    assert again.evaluation.figures != trained.evaluation.figures


def test_the_planted_signal_is_found_close_to_its_ceiling(trained: Training) -> None:
    assert trained.evaluation.ceiling is not None
    figures, ceiling = trained.evaluation.figures, trained.evaluation.ceiling
    assert ceiling["roc_auc"].value - 0.05 < figures["roc_auc"].value <= ceiling["roc_auc"].high
    assert figures["ece"].value < ceiling["ece"].value + 0.02
    assert figures["roc_auc"].low < figures["roc_auc"].value < figures["roc_auc"].high
    leading = sorted(trained.importance, key=lambda name: -trained.importance[name])[:6]
    assert "no_show_rate" in leading
    assert "hour" in leading


def test_contributions_and_base_sum_to_the_calibrated_log_odds(
    trained: Training, market: tuple[History, np.ndarray]
) -> None:
    model = trained.evaluated
    matrix = matrix_of(model.sidecar, market[0], trained.test.queries)[:200]
    calibrator = model.sidecar.calibration
    log_odds = calibrator.slope * model.margins(matrix) + calibrator.intercept
    np.testing.assert_allclose(model.contributions(matrix).sum(axis=1), log_odds, atol=2e-5)
    np.testing.assert_allclose(expit(log_odds), model.probabilities(matrix))


def test_the_model_says_what_it_was_trained_on(trained: Training, market: tuple[History, np.ndarray]) -> None:
    sidecar, request = trained.evaluated.sidecar, request_of(market)
    assert sidecar.columns == tuple(f.name for f in features_of(Task.NO_SHOW))
    assert sidecar.known_before == datetime.fromtimestamp(request.cut / 1e6, UTC)
    assert sidecar.data_fingerprint == "made"
    known = no_show_examples(request.rows, request.cut)
    assert trained.n_train == len(known)
    assert sidecar.base_rate == pytest.approx(known.label.mean())
    assert sidecar.params["seed"] == request.seed
    assert sidecar.features_sha256 == source_sha256()


def test_what_serves_has_learnt_from_all_that_is_known_and_the_figures_are_of_one_that_has_not(
    trained: Training, market: tuple[History, np.ndarray]
) -> None:
    served, evaluated = trained.model.sidecar, trained.evaluated.sidecar
    assert served.known_before > evaluated.known_before
    request = request_of(market)
    assert fit(request, data_span(request.history)[1] + 1).model == trained.model
    assert train(replace(request, origins=0, refit=False)).model == trained.evaluated


def test_more_recent_no_shows_never_lower_the_risk(trained: Training, market: tuple[History, np.ndarray]) -> None:
    model = trained.evaluated
    matrix = matrix_of(model.sidecar, market[0], trained.test.queries)[:500]
    known = {f.name: f.monotone for f in features_of(Task.NO_SHOW)}
    assert known["no_shows_30d"] == 1
    for place, name in enumerate(model.sidecar.columns):
        if known[name]:
            more = matrix.copy()
            more[:, place] += known[name] * np.maximum(np.abs(more[:, place]), 1)
            assert (model.margins(more) >= model.margins(matrix) - 1e-6)[~np.isnan(matrix[:, place])].all(), name


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0, "0 finished rows known before"),
        (0.01, "known before .* to train on"),
        (0.9999, "to test on"),
    ],
)
def test_too_little_on_either_side_of_the_cut_says_which_side_and_what_to_do(
    market: tuple[History, np.ndarray], share: float, says: str
) -> None:
    rows = no_show_rows(market[0])
    first, last = int(rows.queries.as_of.min()), int(rows.queries.as_of.max())
    request = Request(Task.NO_SHOW, market[0], rows, int(first + share * (last - first)), seed=0)
    with pytest.raises(NotEnoughData, match=says) as error:
        train(request)
    assert str(error.value).endswith("Import more history.")


def test_no_outcome_at_all_says_so() -> None:
    with pytest.raises(NotEnoughData, match="no finished outcome"):
        default_cut(no_show_rows(History(h.dataset({}))))


def test_a_churn_model_trains_on_the_same_marketplace(market: tuple[History, np.ndarray]) -> None:
    rows = churn_rows(market[0], HORIZON, timedelta(days=1))
    asked = Request(Task.CHURN, market[0], rows, default_cut(rows), seed=1, repeats=5, every=timedelta(days=1))
    found = train(replace(asked, origins=0, refit=False))
    sidecar = found.evaluated.sidecar
    assert sidecar.columns == tuple(f.name for f in features_of(Task.CHURN))
    assert found.evaluation.tutor_figures == {}
    assert sidecar.horizons == (7, 14, 30, 60, 90)
    assert found.n_censored > 0
    matrix = matrix_of(sidecar, market[0], found.test.queries)[:300]
    margins = found.evaluated.margins(matrix)
    within = [found.evaluated.chances(margins, days) for days in sidecar.horizons]
    for shorter, longer in pairwise(within):
        assert (shorter.value <= longer.value).all()
    assert all((c.low <= c.value).all() and (c.value <= c.high).all() for c in within)
    np.testing.assert_array_equal(within[2].value, found.scores[:300])


def test_contributions_of_a_hazard_sum_to_its_mean_log_odds(market: tuple[History, np.ndarray]) -> None:
    rows = churn_rows(market[0], HORIZON, timedelta(days=7))
    request = Request(Task.CHURN, market[0], rows, default_cut(rows), seed=1, every=timedelta(days=1), refit=False)
    model = fit(request, request.cut).model
    matrix = matrix_of(model.sidecar, market[0], rows.queries)[:100]
    log_odds = model.sidecar.calibration.slope * model.margins(matrix)[:, :3] + model.sidecar.calibration.intercept
    weights = expit(log_odds)
    expected = (log_odds * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(model.contributions(matrix).sum(axis=1), expected, atol=2e-5)


def test_where_departures_are_not_given_the_horizon_is_the_only_period() -> None:
    assert periods_of(made([1.0]), HORIZON) == (0, 7, 14, 30, 60, 90)
    assert periods_of(made([1.0]), timedelta(days=45)) == (0, 7, 14, 30, 45, 60, 90)
    assert periods_of(made([1.0], departures_given=False), HORIZON) == (0, 30)
