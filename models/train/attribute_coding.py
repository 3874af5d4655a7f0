"""Coding of attributes by the outcomes of some training examples only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.as_of.priors import Priors
from features.base.array_types import Matrix
from features.history.history import History
from models.artifact import matrix
from models.artifact.model import AttributeSpec
from models.examples.rows import Examples


@dataclass(frozen=True)
class AttributeCoding:
    """Coding of the examples' attributes, with categories ordered by their outcomes.

    A model must be evaluated on outcomes that were not used for that order: noise in many categories would look like
    signal. `first` is the index of the first attribute in the design matrix.
    """

    history: History
    first: int
    examples: Examples
    priors: Priors
    specs: Sequence[AttributeSpec]

    def ordered_by(self, fitted_to: NDArray[np.bool_]) -> list[AttributeSpec]:
        """Returns the attributes with categories taken from, and ordered by, the examples of a mask (examples,)."""
        examples = self.examples
        rows, row = np.unique(examples.row[fitted_to], return_inverse=True)
        labels = (np.bincount(row, examples.label[fitted_to], rows.size) > 0).astype(np.float64)
        queries = examples.queries.at(rows)
        specs = matrix.specify_attributes(self.history, queries, labels, self.priors)
        by_key = {(a.kind, a.name): a.categories for a in specs}
        return [a.model_copy(update={"categories": by_key.get((a.kind, a.name), ())}) for a in self.specs]

    def recoded(self, columns: Matrix, fitted_to: NDArray[np.bool_]) -> Matrix:
        """Returns the design matrix with categories ordered by the examples of a mask (examples,)."""
        if not any(a.categories for a in self.specs):
            return columns
        examples, first = self.examples, self.first
        coded = matrix.build((), self.ordered_by(fitted_to), self.history, examples.queries, self.priors)
        recoded = columns.copy(order="F")
        recoded[:, first : first + len(self.specs)] = coded[examples.row]
        return recoded
