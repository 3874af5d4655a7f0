"""A row described by the values of its columns, instead of computed from a history."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from domain.vocabulary import AttributeType
from features.base.array_types import Matrix
from models.artifact.matrix import features_of
from models.artifact.model import Sidecar

LARGEST = float(np.finfo(np.float32).max)

MOST_HINTS = 3
"""Most unknown names with hints: a look-up of similar names is slow."""

Value = float | str | None


@dataclass(frozen=True)
class Columns:
    """Names allowed in a description: numbers and categories with their index, and features not read here."""

    numbers: Mapping[str, int]
    categories: Mapping[str, tuple[int, Mapping[str, int]]]
    unread: frozenset[str]

    def row(self, given: Mapping[str, Value]) -> tuple[Matrix, dict[str, str]]:
        """Returns the row (1, columns), NaN where no value is given, and the unusable names with the reason.

        As in training, a category the model has not seen is a missing value.
        """
        matrix = np.full((1, len(self.numbers) + len(self.categories)), np.nan, dtype=np.float32)
        row = matrix[0]
        wrong: dict[str, str] = {}
        for name, value in given.items():
            place = self.numbers.get(name)
            if place is not None and type(value) is float and -LARGEST <= value <= LARGEST:
                row[place] = value
            elif why := self._wrong(name, value, hint=len(wrong) < MOST_HINTS):
                wrong[name] = why
            elif isinstance(value, str):
                place, categories = self.categories[name]
                row[place] = categories.get(value, np.nan)
        return matrix, wrong

    def _wrong(self, name: str, value: Value, hint: bool) -> str:
        known = [*self.numbers, *self.categories, *self.unread]
        if name not in known:
            near = get_close_matches(name, known) if hint else ()
            return f"is no column; did you mean {' or '.join(near)}?" if near else "is no column: see docs/features.md"
        if value is not None and isinstance(value, str) != (name in self.categories):
            return f"must be a {'category' if name in self.categories else 'number'}"
        return f"must lie within ±{LARGEST:.1e}" if isinstance(value, float) and abs(value) > LARGEST else ""


def columns_of(sidecar: Sidecar) -> Columns:
    """Returns the columns that a description may name. An attribute has the name under which it was imported."""
    place = {name: place for place, name in enumerate(sidecar.columns)}
    categories = {
        a.name: (place[a.name], {category: number for number, category in enumerate(a.categories)})
        for a in sidecar.attributes
        if a.type is AttributeType.CATEGORICAL
    }
    numbers = {name: at for name, at in place.items() if name not in categories}
    return Columns(numbers, categories, frozenset(f.name for f in features_of(sidecar.task)) - {*place})
