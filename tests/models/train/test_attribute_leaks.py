"""Leak checks of attributes' own values: planted leaks are named; groups that reliable tutors share are none."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from domain.errors import LeakSuspected
from domain.vocabulary import AttributeType, SessionStatus, Task
from features.base.dataset import Attribute, Dataset
from features.catalogue import NO_SHOW_FEATURES
from features.history.history import History
from models.evaluate.removals import MOST_UNCONFIRMED
from models.examples.rows import no_show_rows
from models.train.attribute_leaks import chance_of_none, later_alarms, outcome_alarms
from models.train.fitting import Request
from models.train.training import default_cut, train
from tests.lib.markets import FEW, market
from tests.lib.planted_market import planted

N, N_TUTORS = 20_000, 300


class Rows:
    """Rows of tutors with individual rates, their outcomes, and random numbers for attributes."""

    def __init__(self, seed: int, base: float = 0.2, strength: float = 5.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tutors = self.rng.integers(0, N_TUTORS, N)
        rates = self.rng.beta(base * strength, (1 - base) * strength, N_TUTORS)
        self.labels = (self.rng.random(N) < rates[self.tutors]).astype(float)

    def alarms(self, values: pa.Array, type_: AttributeType = AttributeType.CATEGORICAL) -> list[str]:
        """Alarms about one attribute with these values (rows,)."""
        attribute = Attribute("sessions", "column", type_)
        return [str(alarm) for alarm in outcome_alarms({attribute: values}, self.labels, self.tutors)]


def numbered(prefix: str, n: int = N) -> NDArray[np.object_]:
    return np.array([f"{prefix}{i}" for i in range(n)], dtype=object)


def test_an_id_that_is_missing_where_the_outcome_is_positive_is_named_though_each_value_is_rare() -> None:
    rows = Rows(0)
    written = (rows.labels == 0) | (rows.rng.random(N) < 0.3)  # 70 % missing where positive
    (alarm,) = rows.alarms(pa.array(np.where(written, numbered("tail"), None)))
    assert alarm.startswith("column predicts the outcome by its presence")


def test_rare_values_that_only_one_outcome_has_are_named() -> None:
    rows = Rows(1)
    frequent = rows.rng.choice(["a", "b", "c"], N)
    (alarm,) = rows.alarms(pa.array(np.where((rows.labels == 0) & (frequent == "a"), numbered("receipt"), frequent)))
    assert "decides the outcome: 0.0% of the rows with a rare value are positive" in alarm


@pytest.mark.parametrize("outcome", [0, 1])
def test_a_single_value_that_only_one_outcome_has_is_named(outcome: int) -> None:
    rows = Rows(2)
    some = (rows.labels == outcome) & (rows.rng.random(N) < 0.1)
    (alarm,) = rows.alarms(pa.array(np.where(some, "parked", rows.rng.choice(["a", "b"], N))))
    assert f"{100 * outcome}.0% of the rows with the value parked" in alarm
    (alarm,) = rows.alarms(pa.array(np.where(some, 1.0, 0.0)), AttributeType.NUMERIC)
    assert "the value 1.0" in alarm


@pytest.mark.parametrize("seed", range(10))
def test_values_known_when_asked_raise_no_alarm(seed: int) -> None:
    rows = Rows(seed, base=0.03 if seed % 2 else 0.3, strength=2.0)
    regions = rows.rng.integers(0, 40, N_TUTORS)[rows.tutors]  # of a tutor: some have reliable tutors only
    price = np.round(rows.rng.gamma(3, 10, N) * (1 + rows.labels * 0.2))
    often_missing = np.where(rows.rng.random(N) < 0.2 + 0.4 * rows.labels, None, rows.rng.choice(["a", "b"], N))
    assert rows.alarms(pa.array(regions.astype(str))) == []
    assert rows.alarms(pa.array(price), AttributeType.NUMERIC) == []
    assert rows.alarms(pa.array(often_missing)) == []
    assert rows.alarms(pa.array(numbered("id"))) == []
    assert rows.alarms(pa.array(rows.rng.normal(rows.labels, 1)), AttributeType.NUMERIC) == []


def test_rows_of_few_reliable_tutors_may_lack_an_outcome_by_chance() -> None:
    rows = Rows(3)
    few_missed = np.argsort(np.bincount(rows.tutors, rows.labels))[:6]
    few = np.isin(rows.tutors, few_missed) & (rows.labels == 0)
    assert few.sum() * rows.labels.mean() > 50  # as independent rows this would be no chance
    assert rows.alarms(pa.array(np.where(few, "north", "south"))) == []
    assert (
        chance_of_none(rows.labels > 0, np.arange(N), few) < 1e-20 < chance_of_none(rows.labels > 0, rows.tutors, few)
    )


def of_market(name: str) -> Dataset:
    """The market, whose last sessions have no outcome yet, with a session attribute of this kind."""
    dataset = market(FEW).dataset
    table = dataset.tables["sessions"]
    booked = np.asarray(table["status"]) == str(SessionStatus.BOOKED)
    starts = table["starts_at"].cast(pa.int64()).to_numpy()
    day = starts // 86_400_000_000
    rng = np.random.default_rng(0)
    kind = rng.choice(["maths", "music"], len(table)).astype(object)
    values = {
        "minutes": np.where(booked, None, rng.choice([50.0, 60.0], len(table))),
        "sometimes": np.where(booked | (rng.random(len(table)) < 0.5), None, kind),
        "payment": np.where(booked, "pending", rng.choice(["paid", "free"], len(table))),
        "topic": kind,
        "weekday": day % 7,
        "month": day // 30,
        "counter": np.argsort(np.argsort(starts)).astype(float),
        "since_spring": np.where(day > np.median(day), kind, None),
    }[name]
    numeric = name in {"minutes", "counter"}
    array = pa.array(values, pa.float64()) if numeric else pa.array([None if v is None else str(v) for v in values])
    attribute = Attribute("sessions", name, AttributeType.NUMERIC if numeric else AttributeType.CATEGORICAL)
    table = table.append_column(attribute.column, array)
    return Dataset({**dataset.tables, "sessions": table}, (*dataset.attributes, attribute), dataset.departures_given)


@pytest.mark.parametrize("name", ["minutes", "sometimes", "payment"])
def test_a_field_filled_only_once_the_outcome_is_known_is_named(name: str) -> None:
    (alarm,) = later_alarms(History(of_market(name)))
    assert str(alarm).startswith(f"{name} appears to be written after the query: 0.0% of the")


@pytest.mark.parametrize("name", ["topic", "weekday", "month", "counter", "since_spring"])
def test_a_field_that_changes_with_time_only_is_not_named(name: str) -> None:
    assert [*later_alarms(History(of_market(name)))] == []


def test_data_without_open_rows_raise_no_alarm() -> None:
    dataset = of_market("payment")
    table = dataset.tables["sessions"].filter(pc.not_equal(dataset.tables["sessions"]["status"], "booked"))
    decided = Dataset({**dataset.tables, "sessions": table}, dataset.attributes, dataset.departures_given)
    assert [*later_alarms(History(decided))] == []


def test_fields_that_together_lift_the_test_are_shown_to_a_person() -> None:
    dataset, _ = planted()
    table = dataset.tables["sessions"]
    missed = np.asarray(table["status"]) == str(SessionStatus.NO_SHOW)
    rng = np.random.default_rng(0)
    fields = tuple(Attribute("sessions", name, AttributeType.NUMERIC) for name in ("changes", "requests", "waiting"))
    for field in fields:
        table = table.append_column(field.column, pa.array(rng.normal(0.8 * missed, 1)))
    history = History(Dataset({**dataset.tables, "sessions": table}, fields, dataset.departures_given))
    rows = no_show_rows(history)
    few = tuple(f for f in NO_SHOW_FEATURES if f.name in {"no_show_rate", "hour"})
    request = Request(
        Task.NO_SHOW, history, rows, default_cut(rows), 0, features=few, params={"rounds": 30}, repeats=20, origins=0
    )
    request = replace(request, refit=False, tutor_risk=False, confirmed={"waiting": "at booking"})
    assert request.reasons["waiting_group_no_show_rate_1d"] == "at booking"
    evaluation = train(request).evaluation
    reasons = {removal.column: removal.known_when_asked for removal in evaluation.removals}
    assert (reasons["changes"], reasons["waiting"]) == ("", "at booking")
    assert evaluation.unconfirmed is not None
    assert evaluation.unconfirmed.column == "changes, requests"
    assert evaluation.unconfirmed.loss > MOST_UNCONFIRMED
    assert evaluation.overridden == ()


def test_a_training_stops_at_a_field_written_later_unless_a_person_declares_it_known() -> None:
    dataset = of_market("minutes")
    history = History(dataset)
    rows = no_show_rows(history)
    few = tuple(f for f in NO_SHOW_FEATURES if f.name in {"no_show_rate", "hour"})
    request = Request(
        Task.NO_SHOW,
        history,
        rows,
        default_cut(rows, test_share=0.2),
        seed=0,
        features=few,
        params={"rounds": 5},
        repeats=20,
        origins=0,
        refit=False,
        tutor_risk=False,
    )
    with pytest.raises(LeakSuspected, match=r"^minutes appears to be written after the query"):
        train(request)
    training = train(replace(request, confirmed={"minutes": "the length that was booked"}))
    (overridden,) = training.evaluation.overridden
    assert overridden.startswith("minutes ")
    assert overridden.endswith("overridden: the length that was booked")
