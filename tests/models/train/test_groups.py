"""Groups whose past a no-show model reads: which are chosen, and what they add."""

from dataclasses import replace

import numpy as np
import pytest

from domain.errors import ModelMismatch
from domain.vocabulary import Task
from features.as_of.queries import of_sessions
from features.base.dataset import OF_STUDENTS, Dataset, Group
from features.columns.group_rates import column_names
from features.history.history import History
from models.artifact.matrix import check_readable, query_rows
from models.artifact.model import Model, Sidecar
from models.evaluate.metrics import figures
from models.examples.rows import no_show_rows
from models.explain.explanation import explain
from models.explain.own_numbers import own_numbers
from models.train.fitting import Request, fit
from models.train.groups import MOST_VALUES, specify_groups
from models.train.training import default_cut
from tests.lib.drifting_market import ORIGIN, drifting_market

EVER = 2**62
OF_ORIGIN = Group("sessions", "origin")


def chosen(dataset: Dataset) -> list[Group]:
    return [spec.group for spec in specify_groups(History(dataset), EVER)]


def fitted(dataset: Dataset, group_histories: bool = True) -> tuple[Model, float]:
    """A model, and its ROC AUC on the last days."""
    history = History(dataset)
    rows = no_show_rows(history)
    cut = default_cut(rows)
    request = Request(
        Task.NO_SHOW,
        history,
        rows,
        cut,
        seed=0,
        params={"rounds": 40},
        tutor_risk=False,
        group_histories=group_histories,
    )
    model = fit(request, cut).model
    later = rows.where(rows.queries.as_of >= cut)
    scores = model.probabilities(query_rows(model.sidecar, history, later.queries).matrix)
    return model, figures(later.label, scores)["roc_auc"].value


def test_an_attribute_whose_rates_change_over_time_is_a_group() -> None:
    assert chosen(drifting_market(1)) == [OF_ORIGIN]


def test_an_attribute_whose_rates_stay_is_none() -> None:
    assert chosen(drifting_market(1, day_sd=0.0)) == []


def test_the_dataset_decides_where_it_declares_groups() -> None:
    market = drifting_market(1, day_sd=0.0)
    assert chosen(replace(market, histories=(OF_ORIGIN,))) == [OF_ORIGIN]
    assert chosen(replace(drifting_market(1), histories=())) == []


def test_a_declared_group_whose_attribute_is_late_by_now_is_left_out() -> None:
    late = replace(drifting_market(1), attributes=(replace(ORIGIN, late=True),), histories=(OF_ORIGIN,))
    assert chosen(late) == []


def test_an_attribute_with_many_values_or_numbers_is_a_group_only_if_declared() -> None:
    market = drifting_market(1, per_day=20)
    sessions = market.tables["sessions"]
    many = [f"o{n % (MOST_VALUES + 1)}" for n in range(sessions.num_rows)]
    place = sessions.schema.get_field_index(ORIGIN.column)
    market = replace(market, tables={**market.tables, "sessions": sessions.set_column(place, ORIGIN.column, [many])})
    assert chosen(market) == []
    assert chosen(replace(market, histories=(OF_ORIGIN,))) == [OF_ORIGIN]


def test_the_past_of_a_group_helps_where_its_rates_come_in_waves() -> None:
    gains = [fitted(drifting_market(seed))[1] - fitted(drifting_market(seed), False)[1] for seed in (1, 2)]
    assert min(gains) > 0.02, gains


def test_a_reason_counts_the_sessions_of_the_group_and_names_nobody() -> None:
    market = drifting_market(1)
    model, _ = fitted(market)
    history = History(market)
    rows = query_rows(model.sidecar, history, of_sessions(history.sessions, np.arange(11_000, 12_000)))
    reasons = explain(model, rows.matrix, own_numbers(model.sidecar, rows.past))
    of_group = [r.text for of_row in reasons for r in of_row if "same origin" in r.text]
    assert of_group
    assert all("missed" in text and "origin 1" not in text for text in of_group)


def test_a_model_is_refused_without_the_values_of_its_groups() -> None:
    market = drifting_market(1, per_day=40)
    sidecar: Sidecar = fitted(replace(market, histories=(OF_ORIGIN,)))[0].sidecar
    assert sidecar.columns[-3:] == column_names(OF_ORIGIN)
    check_readable(sidecar, market)
    students = sidecar.model_copy(update={"groups": (sidecar.groups[0].model_copy(update={"name": "student_id"}),)})
    with pytest.raises(ModelMismatch, match=r"sessions\.student_id"):
        check_readable(students, market)
    check_readable(students, replace(market, histories=(OF_STUDENTS,)))


def test_columns_of_tutors_and_sessions_have_names_of_their_own() -> None:
    assert not {*column_names(Group("tutors", "region"))} & {*column_names(Group("sessions", "region"))}
