"""Leak checks: planted leaks are named and stop a training; legitimate columns, gaps and ages do not."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from domain.errors import LeakSuspected
from domain.vocabulary import AttributeType, SessionStatus, Task
from features.as_of.prior_estimation import estimate_priors
from features.base.dataset import Attribute, Dataset
from features.catalogue import NO_SHOW_FEATURES
from features.history.history import History
from models.artifact.matrix import build
from models.evaluate.metrics import Figure, Origin
from models.examples.rows import no_show_rows
from models.train.fitting import Request
from models.train.leaks import Alarm, Labelled, check_leaks, leak_alarms, origin_alarms, origin_words
from models.train.training import default_cut, train
from tests.lib import histories as h
from tests.lib.markets import market

Values = NDArray[np.float64]

NOTHING = h.dataset({})
RNG_SEED = 5


def labels_of(n: int = 20_000, base: float = 0.02) -> Values:
    return (np.random.default_rng(RNG_SEED).random(n) < base).astype(float)


def alarms(values: Values, labels: Values, dataset: Dataset = NOTHING) -> tuple[str, ...]:
    return tuple(map(str, leak_alarms(values[:, None].astype(np.float32), labels, ["column"], dataset)))


@pytest.mark.parametrize("sign", [1, -1], ids=["rising", "falling"])
def test_a_column_that_orders_the_outcomes_alone_is_named(sign: int) -> None:
    labels = labels_of()
    noise = np.random.default_rng(0).normal(0, 1, labels.size)
    (alarm,) = alarms(sign * (2.2 * labels + noise), labels)
    assert alarm.startswith("column alone has ROC AUC 0.9")
    assert alarms(sign * (1.5 * labels + noise), labels) == ()  # a ROC AUC of .86


def test_so_is_one_that_does_so_only_where_it_has_a_value() -> None:
    labels = labels_of()
    values = np.where(np.random.default_rng(0).random(labels.size) < 0.7, np.nan, labels)
    (alarm,) = alarms(values, labels)
    assert "alone" in alarm


@pytest.mark.parametrize(
    ("among_positives", "among_negatives"),
    [(1.0, 0.0), (0.95, 0.05), (0.5, 0.0), (0.1, 0.0), (0.5, 0.004), (0.0, 1.0), (0.0, 0.3), (0.0, 0.9)],
)
def test_a_value_that_is_there_by_the_outcome_is_named(among_positives: float, among_negatives: float) -> None:
    labels = labels_of(base=0.03)
    rng = np.random.default_rng(0)
    there = rng.random(labels.size) < np.where(labels > 0, among_positives, among_negatives)
    (alarm,) = alarms(np.where(there, rng.normal(0, 1, labels.size), np.nan), labels)
    assert alarm.startswith("column predicts the outcome by its presence")


@pytest.mark.parametrize(
    ("among_positives", "among_negatives"), [(0.3, 0.3), (0.9, 0.4), (0.4, 0.9), (0.05, 0.005), (1.0, 0.6), (0.0, 0.0)]
)
def test_a_gap_that_newcomers_have_more_often_is_no_leak(among_positives: float, among_negatives: float) -> None:
    labels = labels_of(2000 if among_positives == 1 else 20_000)
    rng = np.random.default_rng(0)
    there = rng.random(labels.size) < np.where(labels > 0, among_positives, among_negatives)
    assert alarms(np.where(there, rng.normal(0, 1, labels.size), np.nan), labels) == ()


def test_a_few_rows_are_chance_and_no_leak() -> None:
    labels = np.array([1.0] * 15 + [0.0] * 15)
    assert alarms(labels, labels) == ()


def test_every_alarm_is_told_at_once_with_what_to_do() -> None:
    labels = labels_of()
    noted = Attribute("sessions", "noted", AttributeType.NUMERIC, late=True)
    matrix = np.column_stack([labels, np.zeros(labels.size), np.where(labels > 0, 1.0, np.nan)]).astype(np.float32)
    with pytest.raises(
        LeakSuspected, match=r"duration alone .*; noted is marked late .*; refund predicts .* leave it out"
    ):
        check_leaks(
            leak_alarms(matrix, labels, ["duration", "noted", "refund"], h.dataset({}, attributes=(noted,))), {}
        )
    assert LeakSuspected().exit_code == 2


def test_a_reason_overrides_the_alarm_about_its_column_only_and_is_recorded() -> None:
    alarms = [Alarm("fee", "alone has ROC AUC 0.950"), Alarm("fee", "decides"), Alarm("refund", "predicts")]
    with pytest.raises(LeakSuspected, match=r"^refund predicts\. .*known_when_asked"):
        check_leaks(alarms, {"fee": "set at booking"})
    assert check_leaks(alarms[:2], {"fee": "set at booking"}) == (
        "fee alone has ROC AUC 0.950; overridden: set at booking",
    )


def test_no_column_of_the_simulated_market_raises_an_alarm() -> None:
    history = History(market().dataset)
    rows = no_show_rows(history)
    priors = estimate_priors(history, default_cut(rows))
    matrix = build(NO_SHOW_FEATURES, (), history, rows.queries, priors)
    names = [feature.name for feature in NO_SHOW_FEATURES]
    assert np.isnan(matrix).any()
    assert [*leak_alarms(matrix, rows.label, names, history.dataset)] == []


def planted(kind: str) -> Dataset:
    """A market with an additional session attribute that leaks the outcome."""
    sessions = market().dataset.tables["sessions"]
    missed = np.asarray(sessions["status"]) == str(SessionStatus.NO_SHOW)
    kept = np.asarray(sessions["status"]) == str(SessionStatus.COMPLETED)
    rng = np.random.default_rng(0)
    values, type_ = {
        "value": (pa.array(np.where(missed, 0.0, rng.uniform(5, 60, missed.size))), AttributeType.NUMERIC),
        "category": (pa.array(np.where(missed, "lost", "held")), AttributeType.CATEGORICAL),
        "presence": (
            pa.array(rng.uniform(1, 9, missed.size), mask=~(missed & (rng.random(missed.size) < 0.6))),
            AttributeType.NUMERIC,
        ),
        "rare_id": (
            pa.array([None if no_show else f"id{i}" for i, no_show in enumerate(missed)]),
            AttributeType.CATEGORICAL,
        ),
        "single_value": (pa.array(np.where(kept & (rng.random(missed.size) < 0.4), 1.0, 0.0)), AttributeType.NUMERIC),
        "absence": (pa.array(rng.uniform(1, 9, missed.size), mask=~kept), AttributeType.NUMERIC),
    }[kind]
    return with_attribute(Attribute("sessions", "planted", type_), values)


@pytest.mark.parametrize("kind", ["value", "category", "presence", "rare_id", "single_value", "absence"])
def test_a_planted_leak_stops_the_training_with_its_name(kind: str) -> None:
    history = History(planted(kind))
    rows = no_show_rows(history)
    few = tuple(f for f in NO_SHOW_FEATURES if f.name in {"no_show_rate", "pair_days_since_last"})
    with pytest.raises(LeakSuspected, match=r"^planted (alone has|predicts|decides|appears)") as error:
        train(Request(Task.NO_SHOW, history, rows, default_cut(rows), seed=0, features=few, repeats=5))
    assert "no_show_rate" not in str(error.value)


def origin(value: float, reach: float = 0.02) -> Origin:
    return Origin(0, 1000, {"roc_auc": Figure(value, value - reach, value + reach)}, ())


EARLIER = [origin(0.74), origin(0.76), origin(0.75), origin(0.75)]


def test_a_test_far_above_the_rolling_origins_is_named_with_the_column_that_rose_most() -> None:
    labels = labels_of(2000, base=0.2)
    noise = np.random.default_rng(0).normal(0, 1, (labels.size, 3))
    trained, tested = (
        Labelled((np.column_stack([2 * labels, hint * labels, 0 * labels]) + noise).astype(np.float32), labels)
        for hint in (0.3, 2)
    )
    (alarm,) = origin_alarms(Figure(0.85, 0.83, 0.87), EARLIER, ["rate", "noted", "hour"], trained, tested)
    assert alarm.column == "noted"
    assert "0.850 is far above the rolling origins' 0.750" in alarm.words


@pytest.mark.parametrize(
    ("test", "origins"),
    [
        (Figure(0.79, 0.77, 0.81), EARLIER),  # less than .05 above
        (Figure(0.85, 0.75, 0.95), EARLIER),  # far above, but with a wide interval
        (Figure(0.60, 0.58, 0.62), EARLIER),  # a lower value is no leak
        (Figure(0.79, 0.77, 0.81), [*EARLIER, origin(0.5, 0)]),  # one origin has no signal
        (Figure(0.99, 0.98, 1.00), [origin(0.7), Origin(0, 0, {}, ())]),  # one origin is too few to compare
        (Figure(0.78, 0.77, 0.79), [origin(0.77), origin(0.5, 0)]),  # and a silent one is none
    ],
)
def test_a_test_within_reach_of_the_rolling_origins_is_no_alarm(test: Figure, origins: list[Origin]) -> None:
    assert origin_words(test, origins) is None


def test_a_field_corrected_afterwards_of_late_stops_the_training_as_the_test_outruns_the_origins() -> None:
    plain = no_show_rows(History(market().dataset))
    cut = default_cut(plain)
    history = History(corrected(since=cut))
    few = tuple(f for f in NO_SHOW_FEATURES if f.name in {"no_show_rate", "hour"})
    request = Request(
        Task.NO_SHOW, history, no_show_rows(history), cut, seed=0, features=few, params={"rounds": 30}, repeats=20
    )
    with pytest.raises(LeakSuspected, match=r"^noted .* far above the rolling origins"):
        train(request)


def corrected(since: int) -> Dataset:
    """A market with a weakly predictive note that from `since` on (UTC microseconds) is corrected after the outcome."""
    sessions = market().dataset.tables["sessions"]
    missed = np.asarray(sessions["status"]) == str(SessionStatus.NO_SHOW)
    late = sessions["starts_at"].cast(pa.int64()).to_numpy() > since
    noted = np.where(late, 3.0, 1.0) * missed + np.random.default_rng(0).normal(0, 1, missed.size)
    return with_attribute(Attribute("sessions", "noted", AttributeType.NUMERIC), pa.array(noted))


def with_attribute(attribute: Attribute, values: pa.Array) -> Dataset:
    """The market with an additional session attribute; `values` has shape (sessions,)."""
    plain = market().dataset
    table = plain.tables["sessions"].append_column(attribute.column, values)
    return Dataset({**plain.tables, "sessions": table}, (*plain.attributes, attribute), plain.departures_given)
