import numpy as np

from features.as_of.queries import of_sessions
from models.artifact.matrix import specify_attributes
from models.artifact.shared_values import LEAST_TUTORS
from tests.lib.attribute_sessions import AREA, PRIORS, sessions


def test_a_category_of_fewer_tutors_than_share_a_secret_never_enters_a_model() -> None:
    values: list[object] = ["maths"] * LEAST_TUTORS + ["a note about Ada"] * (LEAST_TUTORS - 1)
    history = sessions(AREA, values)
    (spec,) = specify_attributes(history, of_sessions(history.sessions), np.zeros(len(values)), PRIORS)
    assert spec.categories == ("maths",)
