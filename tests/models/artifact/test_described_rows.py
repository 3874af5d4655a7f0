import numpy as np
import pytest

from domain.vocabulary import AttributeType
from models.artifact.described_rows import LARGEST, MOST_HINTS, columns_of
from models.artifact.model import AttributeSpec
from tests.lib.api_parts import small_model

SIDECAR = small_model().sidecar.model_copy(
    update={
        "features": ("no_shows_30d", "silence_hours"),
        "attributes": (
            AttributeSpec(kind="sessions", name="area", type=AttributeType.CATEGORICAL, categories=("north", "south")),
            AttributeSpec(kind="sessions", name="price", type=AttributeType.NUMERIC),
        ),
    }
)
COLUMNS = columns_of(SIDECAR)


def test_a_row_has_each_value_at_its_column_and_nan_elsewhere() -> None:
    matrix, wrong = COLUMNS.row({"silence_hours": 3.0, "area": "south", "price": None})
    np.testing.assert_array_equal(matrix, np.array([[np.nan, 3, 1, np.nan]], np.float32))
    assert wrong == {}


def test_a_category_never_seen_in_training_is_missing() -> None:
    matrix, wrong = COLUMNS.row({"area": "west"})
    assert np.isnan(matrix).all()
    assert wrong == {}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("area", 1.0, "category"),
        ("price", "dear", "number"),
        ("price", 2 * LARGEST, "within"),
        ("silence_hour", 1.0, "silence_hours"),
        ("cups", 1.0, "docs/features.md"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_the_reason(name: str, value: float | str, words: str) -> None:
    _, wrong = COLUMNS.row({name: value})
    assert list(wrong) == [name]
    assert words in wrong[name]


def test_near_names_are_looked_up_for_the_first_unknown_ones_only() -> None:
    _, wrong = COLUMNS.row({f"silence_hours{i}": 1.0 for i in range(MOST_HINTS + 2)})
    assert ["did you mean" in words for words in wrong.values()] == [True] * MOST_HINTS + [False] * 2
