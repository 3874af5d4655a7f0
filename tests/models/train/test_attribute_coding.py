"""Coding of attributes by the outcomes of some training examples only."""

import numpy as np

from features.as_of.queries import of_sessions
from models.artifact.matrix import specify_attributes
from models.examples.rows import Examples
from models.train.attribute_coding import AttributeCoding
from tests.lib.attribute_sessions import AREA, PRIORS, sessions


def test_categories_are_ordered_by_the_outcomes_of_the_chosen_examples_alone() -> None:
    values = ["north", "south"] * 50
    history = sessions(AREA, list(values))
    queries, early = of_sessions(history.sessions), np.arange(100) < 50
    # North is missed early and south late, so the two halves order them in opposite ways.
    label = np.array([(area == "north") == is_early for area, is_early in zip(values, early, strict=True)], float)
    examples = Examples(queries, np.arange(100), label, queries.as_of)
    specs = specify_attributes(history, queries, label, PRIORS)
    coding = AttributeCoding(history, 0, examples, PRIORS, specs)

    assert [spec.categories for spec in coding.ordered_by(early)] == [("south", "north")]
    assert [spec.categories for spec in coding.ordered_by(~early)] == [("north", "south")]
    recoded = coding.recoded(np.zeros((100, 1), np.float32), early)
    assert recoded[:2, 0].tolist() == [1.0, 0.0]
