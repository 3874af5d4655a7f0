"""Training on a small planted marketplace: what may train, what is tested, and what comes out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import ModelMismatch, NotEnoughData
from domain.vocabulary import SessionStatus, Task
from features import columns
from features.as_of.queries import of_tutors
from features.base.dataset import TIME, Dataset, arrow_schema
from features.history.history import History
from features.source import source_sha256
from models.artifact.matrix import features_of, matrix_of
from models.artifact.model import Model
from models.examples.rows import (
    Examples,
    Rows,
    churn_examples,
    churn_rows,
    data_span,
    no_show_examples,
    no_show_rows,
    periods_of,
)
from models.learners.calibration import expit
from models.train.fitting import Request, learn
from models.train.held_out import window
from models.train.training import Training, default_cut, later_rows, train
from tests.lib import histories as h

DAY = 86_400_000_000
BEGIN = int(h.BEGIN.timestamp()) * 1_000_000
DAYS, TUTORS = 200, 80
HORIZON = timedelta(days=30)


def planted(seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Tutors who miss sessions at a rate of their own, and more often in the evening; a third leave on the way."""
    rng = np.random.default_rng(seed)
    n = TUTORS * DAYS
    tutor = rng.integers(0, TUTORS, n)
    reliability = rng.normal(-2.2, 1.2, TUTORS)
    left = np.where(rng.random(TUTORS) < 0.8, rng.integers(30, DAYS, TUTORS), 10 * DAYS)
    starts = BEGIN + rng.integers(0, DAYS, n) * DAY + rng.integers(8, 22, n) * (DAY // 24)
    evening = (starts % DAY) // (DAY // 24) >= 18
    truth = expit(reliability[tutor] + 1.2 * evening)
    keep = starts < BEGIN + left[tutor] * DAY
    tutor, starts, truth = tutor[keep], starts[keep], truth[keep]
    status = np.where(rng.random(tutor.size) < truth, "no_show", "completed")
    sessions = {
        "session_id": [f"x{i}" for i in range(tutor.size)],
        "tutor_id": [f"t{code}" for code in tutor],
        "booked_at": pa.array(starts - rng.integers(2, 9, tutor.size) * DAY, TIME),
        "starts_at": pa.array(starts, TIME),
        "status": status.tolist(),
        "outcome_known_at": pa.array(starts + DAY // 24, TIME),
    }
    departed = [None if day > DAYS else int(BEGIN + day * DAY) for day in left]
    tutors = {"tutor_id": [f"t{i}" for i in range(TUTORS)], "departed_at": pa.array(departed, TIME)}
    return Dataset(
        {**h.dataset({}).tables, "tutors": _table("tutors", tutors), "sessions": _table("sessions", sessions)}
    ), truth


def _table(kind: str, columns: dict[str, object]) -> pa.Table:
    schema = arrow_schema(kind)
    n = len(columns[schema.names[0]])  # type: ignore[arg-type]
    return pa.table({f.name: pa.array(columns.get(f.name, [None] * n), f.type) for f in schema}, schema)


@pytest.fixture(scope="module")
def market() -> tuple[History, np.ndarray]:
    dataset, truth = planted()
    return History(dataset), truth


def request_of(market: tuple[History, np.ndarray], seed: int = 1) -> Request:
    history, truth = market
    rows = no_show_rows(history)
    return Request(
        Task.NO_SHOW, history, rows, default_cut(rows), seed, truth=truth[rows.subject], repeats=20, fingerprint="made"
    )


@pytest.fixture(scope="module")
def trained(market: tuple[History, np.ndarray]) -> Training:
    return train(request_of(market))


def test_no_label_known_at_or_after_the_cut_trains_and_no_row_before_it_is_tested(
    market: tuple[History, np.ndarray],
) -> None:
    rows = churn_rows(market[0], HORIZON, timedelta(days=1))
    cut = default_cut(rows)
    examples = churn_examples(market[0], HORIZON, timedelta(days=1), cut)
    assert examples.known_at.max() <= cut
    later = rows.where(later_rows(Request(Task.CHURN, market[0], rows, cut, seed=0)))
    assert later.queries.as_of.min() >= cut
    # The horizon is the gap: who was asked about within it before the cut teaches only what was seen by then.
    late = examples.as_of > cut - HORIZON // timedelta(microseconds=1)
    assert late.any()
    assert examples.period is not None
    assert set(examples.period[late]) == {0, 1}


def test_the_calibrator_is_learnt_on_rows_later_than_all_its_model_knew(market: tuple[History, np.ndarray]) -> None:
    rows = no_show_rows(market[0])
    cut = default_cut(rows)
    parts = window(no_show_examples(rows, cut), cut)
    assert parts.examples.known_at[parts.earlier].max() < parts.examples.as_of[parts.later].min()
    assert not (parts.earlier & parts.later).any()


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


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(
    market: tuple[History, np.ndarray], trained: Training
) -> None:
    again = train(replace(request_of(market), origins=0))
    assert again.model.ubj == trained.model.ubj
    assert again.model.sidecar == trained.model.sidecar
    assert again.evaluation.figures == trained.evaluation.figures
    ours, other = (replace(request_of(market, seed), features=(columns.no_show_rate, columns.hour)) for seed in (1, 2))
    assert learn(ours, ours.cut).model.ubj != learn(other, other.cut).model.ubj


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
    assert learn(request, data_span(request.history)[1] + 1).model == trained.model
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


def test_a_model_read_back_from_its_bytes_predicts_the_same(trained: Training) -> None:
    read = Model(
        bytes(trained.model.ubj),
        type(trained.model.sidecar).model_validate_json(trained.model.sidecar.model_dump_json()),
    )
    np.testing.assert_array_equal(read.probabilities(trained.sample), trained.model.probabilities(trained.sample))


def test_bytes_that_are_not_the_recorded_ones_are_refused(trained: Training) -> None:
    with pytest.raises(ModelMismatch, match="train again"):
        Model(trained.model.ubj[:-1] + b"?", trained.model.sidecar)


def test_the_tutors_own_risk_comes_with_the_no_show_model(trained: Training) -> None:
    assert trained.model.sidecar.tutor_calibration is not None
    assert trained.evaluation.tutor_figures["roc_auc"].value > 0.6


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
    assert str(error.value).endswith("Bring more history.")


def test_a_calibration_window_of_one_class_says_so() -> None:
    days = BEGIN + np.arange(1000) * DAY
    label = (np.arange(1000) % 2 == 0).astype(float)
    label[700:] = 0
    examples = Examples(of_tutors(np.zeros(1000, np.int64), days), np.arange(1000), label, days + DAY)
    with pytest.raises(NotEnoughData, match="to calibrate on, 0 of them positive"):
        window(examples, int(days[-1]) + 2 * DAY)


def test_no_outcome_at_all_says_so() -> None:
    with pytest.raises(NotEnoughData, match="no finished outcome"):
        default_cut(no_show_rows(History(h.dataset({}))))


def test_the_default_cut_leaves_the_last_three_tenths_of_the_days(market: tuple[History, np.ndarray]) -> None:
    rows = no_show_rows(market[0])
    cut = default_cut(rows)
    assert cut % DAY == 0
    assert (rows.queries.as_of.max() - cut) / (rows.queries.as_of.max() - rows.queries.as_of.min()) == pytest.approx(
        0.3, abs=0.02
    )


def made(
    days: list[float], departed: float | None = None, status: str = "completed", departures_given: bool = True
) -> History:
    """One tutor who gave sessions on these days after BEGIN, each known an hour later, and a colleague to the end."""

    def at(day: float) -> datetime:
        return h.BEGIN + timedelta(days=day)

    given = [("ada", day) for day in days] + [("ben", day) for day in range(120)]
    sessions = [
        {
            "session_id": f"{who}{day}",
            "tutor_id": who,
            "booked_at": at(day - 1),
            "starts_at": at(day),
            "status": status if who == "ada" else "completed",
            "outcome_known_at": at(day) + timedelta(hours=1),
        }
        for who, day in given
    ]
    tutors = [{"tutor_id": "ada", "departed_at": None if departed is None else at(departed)}, {"tutor_id": "ben"}]
    return History(h.dataset({"tutors": tutors, "sessions": sessions}, departures_given=departures_given))


def labels_of(rows: Rows, tutor: int = 0) -> dict[int, int]:
    """Day after BEGIN → label, for one tutor (0 is ada, 1 is ben)."""
    mine = rows.subject == tutor
    days = (rows.queries.as_of[mine] - BEGIN) // DAY
    return dict(zip(days.tolist(), rows.label[mine].astype(int).tolist(), strict=True))


def churn_of(history: History) -> Rows:
    return churn_rows(history, HORIZON, timedelta(days=10), origin=BEGIN + 40 * DAY)


def test_churn_rows_whose_outcome_is_still_open_are_left_out() -> None:
    rows = churn_of(made(list(range(120))))
    end = BEGIN + 119 * DAY + DAY // 24
    assert rows.known_at.max() <= end
    assert list(labels_of(rows)) == [30, 40, 50, 60, 70, 80]
    assert (rows.known_at - rows.queries.as_of == 30 * DAY).all()


def test_a_tutor_who_departs_within_the_horizon_has_churned_and_is_asked_about_no_more() -> None:
    rows = churn_of(made(list(range(75)), departed=75))
    assert labels_of(rows) == {30: 0, 40: 0, 50: 1, 60: 1, 70: 1}
    assert set(labels_of(rows, tutor=1).values()) == {0}


def test_departure_on_the_last_moment_of_the_horizon_is_not_within_it() -> None:
    assert labels_of(churn_of(made(list(range(70)), departed=70)))[40] == 0


def test_without_departures_silence_through_the_horizon_is_churn() -> None:
    rows = churn_of(made(list(range(65)), departures_given=False))
    assert labels_of(rows) == {30: 0, 40: 0, 50: 0, 60: 0, 70: 1, 80: 1}


def test_with_departures_given_silence_alone_is_no_churn() -> None:
    assert set(labels_of(churn_of(made(list(range(65))))).values()) == {0}


def test_missed_sessions_do_not_make_a_tutor_active() -> None:
    assert labels_of(churn_of(made(list(range(120)), status="no_show"))) == {}


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
    model = learn(request, request.cut).model
    matrix = matrix_of(model.sidecar, market[0], rows.queries)[:100]
    log_odds = model.sidecar.calibration.slope * model.margins(matrix)[:, :3] + model.sidecar.calibration.intercept
    weights = expit(log_odds)
    expected = (log_odds * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(model.contributions(matrix).sum(axis=1), expected, atol=2e-5)


def test_where_departures_are_not_given_the_horizon_is_the_only_period() -> None:
    assert periods_of(made([1.0]), HORIZON) == (0, 7, 14, 30, 60, 90)
    assert periods_of(made([1.0]), timedelta(days=45)) == (0, 7, 14, 30, 45, 60, 90)
    assert periods_of(made([1.0], departures_given=False), HORIZON) == (0, 30)


def test_only_sessions_held_or_missed_make_no_show_rows() -> None:
    for status in SessionStatus:
        rows = no_show_rows(made([1.0], status=status))
        ada = rows.subject < 1
        expected = {SessionStatus.NO_SHOW: [1], SessionStatus.COMPLETED: [0], SessionStatus.STUDENT_NO_SHOW: [0]}
        assert rows.label[ada].tolist() == expected.get(status, [])
