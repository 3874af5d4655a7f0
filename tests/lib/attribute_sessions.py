"""Sessions with one customer attribute, for the tests of matrices."""

from domain.vocabulary import AttributeType
from features.as_of.priors import Prior, Priors
from features.base.dataset import Attribute
from features.history.history import History
from models.artifact.shared_values import LEAST_TUTORS
from tests.lib.histories import dataset
from tests.lib.small_dataset import session

PRIORS = Priors.all_equal(Prior(rate=0.1, strength=5))
AREA = Attribute("sessions", "area", AttributeType.CATEGORICAL)


def sessions(attribute: Attribute, values: list[object]) -> History:
    """Sessions with these values, of as many tutors as may share a value, in turn."""
    tutors = [f"t{n}" for n in range(LEAST_TUTORS)]
    rows = [
        session(f"x{i}", tutor_id=tutors[i % LEAST_TUTORS], **{attribute.column: value})
        for i, value in enumerate(values)
    ]
    return History(dataset({"tutors": [{"tutor_id": name} for name in tutors], "sessions": rows}, (attribute,)))
