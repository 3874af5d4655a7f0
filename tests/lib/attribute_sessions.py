"""Sessions with one customer attribute, for tests of model matrices."""

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
    """A history with one session per value, assigned in turn to LEAST_TUTORS tutors."""
    tutors = [f"t{n}" for n in range(LEAST_TUTORS)]
    rows = [
        session(f"x{i}", tutor_id=tutors[i % LEAST_TUTORS], **{attribute.column: value})
        for i, value in enumerate(values)
    ]
    return History(dataset({"tutors": [{"tutor_id": name} for name in tutors], "sessions": rows}, (attribute,)))
