"""The matrix a model reads: realistic attribute values, and the error when attributes are missing."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import ModelMismatch
from domain.vocabulary import AttributeType, Task
from features.as_of.queries import of_sessions
from features.base.dataset import Attribute, Dataset
from features.history.history import History
from flows.train import request_of
from jobs.scoring import all_scores
from models.artifact.champion import Champion
from models.artifact.matrix import MAX_CATEGORIES, build, matrix_of, specify_attributes
from models.artifact.model import AttributeSpec
from models.artifact.shared_values import LEAST_TUTORS
from models.train import fitting as learning
from models.train.fitting import Request, fit
from simulator.settings import MarketSettings
from tests.lib.api_parts import NOW, small_model
from tests.lib.attribute_sessions import AREA, PRIORS, sessions
from tests.lib.histories import dataset
from tests.lib.markets import market
from tests.lib.small_dataset import session

PRICE = Attribute("sessions", "price", AttributeType.NUMERIC)


def test_a_number_too_large_for_a_float_is_missing_and_stops_nobody() -> None:
    history = sessions(PRICE, [1.5, 1e300, -1e300, None])
    spec = AttributeSpec(kind="sessions", name="price", type=AttributeType.NUMERIC)
    found = build((), [spec], history, of_sessions(history.sessions), PRIORS)
    np.testing.assert_array_equal(found[:, 0], [1.5, np.nan, np.nan, np.nan])


def test_of_too_many_categories_the_most_frequent_are_kept_whatever_came_of_them() -> None:
    seldom = [f"seldom {i}" for i in range(300) for _ in range(LEAST_TUTORS)]
    values: list[object] = [*seldom, *(f"often {i}" for i in range(MAX_CATEGORIES) for _ in range(2 * LEAST_TUTORS))]
    history = sessions(AREA, values)
    labels = np.array([str(value).startswith("seldom") for value in values], dtype=np.float64)
    (spec,) = specify_attributes(history, of_sessions(history.sessions), labels, PRIORS)
    assert sorted(spec.categories) == sorted(f"often {i}" for i in range(MAX_CATEGORIES))


def test_attributes_of_one_name_on_tutors_and_sessions_are_two() -> None:
    level = [Attribute(kind, "level", AttributeType.NUMERIC) for kind in ("sessions", "tutors")]
    tutors = [{"tutor_id": "t1", "attributes.level": 7.0}]
    history = History(
        dataset({"tutors": tutors, "sessions": [session("x", **{"attributes.level": 3.0})]}, tuple(level))
    )
    queries = of_sessions(history.sessions)
    specs = specify_attributes(history, queries, np.zeros(1), PRIORS)
    found = build((), specs, history, queries, PRIORS)
    assert {spec.kind: value for spec, value in zip(specs, found[0], strict=True)} == {"sessions": 3.0, "tutors": 7.0}


def test_an_attribute_that_no_training_row_has_is_not_asked_for_later() -> None:
    history = sessions(PRICE, [None, None])
    assert specify_attributes(history, of_sessions(history.sessions), np.zeros(2), PRIORS) == []


def test_a_column_gone_from_the_data_is_named_in_one_sentence_and_has_an_exit_code() -> None:
    spec = AttributeSpec(kind="sessions", name="price", type=AttributeType.NUMERIC)
    model = replace(small_model(), sidecar=small_model().sidecar.model_copy(update={"attributes": (spec,)}))
    emptied, undefined = sessions(PRICE, [None]), sessions(AREA, ["x"])
    says = "reads sessions.price, which has no value in the data any more: import the column again"
    with pytest.raises(ModelMismatch, match=says) as error:
        matrix_of(model.sidecar, undefined, of_sessions(undefined.sessions))
    assert error.value.exit_code == 6
    for history in (emptied, undefined):
        with pytest.raises(ModelMismatch, match=says):
            all_scores(history, {Task.NO_SHOW: Champion(model, "no_show/1"), Task.CHURN: None}, NOW)


def _with_noise(plain: Dataset, categories: int) -> Dataset:
    noise = Attribute("sessions", "noise", AttributeType.CATEGORICAL)
    sessions = plain.tables["sessions"]
    drawn = np.random.default_rng(1).integers(0, categories, sessions.num_rows)
    values = pa.array([f"c{code}" for code in drawn])
    tables = {**plain.tables, "sessions": sessions.append_column(noise.column, values)}
    return replace(plain, tables=tables, attributes=(*plain.attributes, noise))


def test_noise_in_many_categories_is_not_taken_for_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = market(MarketSettings(tutors=400, days=150, sessions_per_day=400, seed=3, no_signal=True))
    history = History(_with_noise(silent.dataset, 200))
    request: Request = request_of(Task.NO_SHOW, history, 0, params={"rounds": 60})
    tried = []

    def watched(*arguments: object) -> object:
        tried.append(before(*arguments))  # type: ignore[arg-type]
        return tried[-1]

    before = learning.fit_before
    monkeypatch.setattr(learning, "fit_before", watched)
    fit(replace(request, tutor_risk=False), request.cut)
    assert not tried[0].has_signal
