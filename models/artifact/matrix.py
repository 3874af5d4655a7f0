"""The matrix that a model reads: features, then attributes, for any queries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import ModelMismatch
from domain.vocabulary import AttributeType, Task
from features.as_of.past import Past
from features.as_of.priors import Priors
from features.as_of.queries import Queries
from features.base.array_types import Matrix
from features.base.dataset import OF_STUDENTS, Attribute, Dataset
from features.catalogue import CHURN_FEATURES, NO_SHOW_FEATURES, attribute_values, compute, encode
from features.columns import Feature
from features.columns.group_rates import group_rates
from features.history.history import History
from models.artifact.model import AttributeSpec, GroupSpec, Sidecar
from models.artifact.shared_values import shared_values

MAX_CATEGORIES = 200
"""Most categories of an attribute: the most frequent ones; others are missing values."""


def features_of(task: Task) -> tuple[Feature, ...]:
    """Returns the features of a task's model."""
    return NO_SHOW_FEATURES if task is Task.NO_SHOW else CHURN_FEATURES


def build(
    features: Sequence[Feature],
    attributes: Sequence[AttributeSpec],
    history: History,
    queries: Queries,
    priors: Priors,
    groups: Sequence[GroupSpec] = (),
) -> Matrix:
    """Returns the matrix (queries, features + attributes + rates of groups), float32, NaN for missing."""
    return _build(features, attributes, groups, Past(history, queries, priors))


def _build(
    features: Sequence[Feature], attributes: Sequence[AttributeSpec], groups: Sequence[GroupSpec], past: Past
) -> Matrix:
    by_key = {(a.kind, a.name): v for a, v in attribute_values(past).items()}
    rates = [column for spec in groups for column in group_rates(spec.group, spec.priors, past)]
    width = len(features) + len(attributes) + len(rates)
    matrix = np.empty((len(past.queries), width), dtype=np.float32, order="F")
    matrix[:, : len(features)] = compute(features, past)
    for i, column in enumerate(rates, start=width - len(rates)):
        matrix[:, i] = column
    for i, spec in enumerate(attributes, start=len(features)):
        if (spec.kind, spec.name) in by_key:
            values = by_key[spec.kind, spec.name]
            matrix[:, i] = _within_float32(encode(spec.attribute(), values, {spec.name: spec.categories}))
        else:
            matrix[:, i] = np.nan
    return matrix


def _within_float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace values (n,) too large for float32 with NaN: XGBoost rejects a whole matrix with an infinity."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) <= np.finfo(np.float32).max, values, np.nan)


def matrix_of(sidecar: Sidecar, history: History, queries: Queries) -> Matrix:
    """The matrix (queries, columns) that a trained model reads. Raises as `query_rows` does."""
    return query_rows(sidecar, history, queries).matrix


@dataclass(frozen=True)
class QueriedRows:
    """The matrix (queries, columns) a model reads, with the past it was computed from."""

    past: Past
    matrix: Matrix

    @property
    def history(self) -> History:
        """The history that is queried."""
        return self.past.history

    @property
    def queries(self) -> Queries:
        """The queries, one a row."""
        return self.past.queries


def query_rows(sidecar: Sidecar, history: History, queries: Queries) -> QueriedRows:
    """Compute the rows of a trained model; their past also serves their reasons and what-ifs.

    Queries sorted by tutor and moment (`by_tutor`) share one Past between all columns.
    Raises as `check_readable` does.
    """
    check_readable(sidecar, history.dataset)
    features, past = features_read(sidecar), Past(history, queries, sidecar.priors)
    return QueriedRows(past, _build(features, sidecar.attributes, sidecar.groups, past))


def check_readable(sidecar: Sidecar, dataset: Dataset) -> None:
    """Raise unless every column of a model can be computed from a dataset.

    LateFeature if the dataset now marks one of the model's attributes late, ModelMismatch for a feature or an attribute
    that is gone, or if the dataset declares another moment as of which sessions are asked.
    """
    if sidecar.task is Task.NO_SHOW and sidecar.asked != dataset.asked:
        raise ModelMismatch("the no_show model was trained before `asked` was declared or changed: train again")
    dataset.check_features(tuple(source.name for source in sidecar.sources))
    check_attributes(sidecar, {(a.kind, a.name) for a in dataset.attributes} | _students_declared(dataset))
    features_read(sidecar)


def features_read(sidecar: Sidecar) -> list[Feature]:
    """The features of a trained model, in its order. Raises ModelMismatch for a feature that is gone."""
    by_name = {f.name: f for f in features_of(sidecar.task)}
    if gone := [name for name in sidecar.features if name not in by_name]:
        raise ModelMismatch(
            f"the {sidecar.task} model reads {', '.join(gone)}, which this version no longer computes: train again"
        )
    return [by_name[name] for name in sidecar.features]


def check_attributes(sidecar: Sidecar, there: Collection[tuple[str, str]]) -> None:
    """Raise ModelMismatch unless every attribute of a model is among these kinds and names."""
    if gone := [f"{kind}.{name}" for kind, name in sidecar.sources if (kind, name) not in there]:
        raise ModelMismatch(
            f"the {sidecar.task} model reads {', '.join(gone)}, which has no value in the data any more: import "
            "the column again, or train again"
        )


def attributes_with_values(dataset: Dataset) -> set[tuple[str, str]]:
    """Kind and name of the attributes of which any row has a value."""
    columns = {(a.kind, a.name): dataset.tables[a.kind][a.column] for a in dataset.attributes}
    return {key for key, column in columns.items() if column.null_count < len(column)} | _students_declared(dataset)


def _students_declared(dataset: Dataset) -> set[tuple[str, str]]:
    return {group for group in dataset.histories or () if group == OF_STUDENTS}


def specify_attributes(
    history: History, queries: Queries, labels: NDArray[np.float64], priors: Priors
) -> list[AttributeSpec]:
    """The attributes of which these training rows have a value, categories ordered by their share of positives."""
    values = attribute_values(Past(history, queries, priors))
    return [
        AttributeSpec(kind=a.kind, name=a.name, type=a.type, categories=_categories(a, v, labels, queries.tutor))
        for a, v in values.items()
        if v.null_count < len(v)
    ]


def _categories(
    attribute: Attribute, values: pa.Array, labels: NDArray[np.float64], tutors: NDArray[np.int64]
) -> tuple[str, ...]:
    """The most frequent categories that several tutors share; a value of one person never enters a model."""
    if attribute.type is not AttributeType.CATEGORICAL:
        return ()
    table = pa.table({"value": values, "label": labels})
    table = table.filter(pc.is_in(table["value"], shared_values(values, tutors)))
    rates = table.group_by("value").aggregate([("label", "sum"), ("label", "count")])
    rates = rates.filter(pc.is_valid(rates["value"]))
    # By their number of rows: kept by their rate, being there at all would tell the outcome.
    rates = rates.sort_by([("label_count", "descending"), ("value", "ascending")]).slice(0, MAX_CATEGORIES)
    shrunk = pc.divide(
        pc.add(rates["label_sum"], 20 * labels.mean()), pc.add(pc.cast(rates["label_count"], pa.float64()), 20.0)
    )
    order = pc.sort_indices(
        pa.table({"rate": shrunk, "value": rates["value"]}), [("rate", "ascending"), ("value", "ascending")]
    )
    names: list[str] = rates["value"].take(order).to_pylist()
    return tuple(names)
