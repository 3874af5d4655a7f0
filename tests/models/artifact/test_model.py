import numpy as np
import pytest

from domain.errors import ModelMismatch
from models.artifact.model import Model
from models.train.training import Training


def test_a_model_read_back_from_its_bytes_predicts_the_same(trained: Training) -> None:
    read = Model(
        bytes(trained.model.ubj),
        type(trained.model.sidecar).model_validate_json(trained.model.sidecar.model_dump_json()),
    )
    np.testing.assert_array_equal(read.probabilities(trained.sample), trained.model.probabilities(trained.sample))


def test_bytes_that_are_not_the_recorded_ones_are_refused(trained: Training) -> None:
    with pytest.raises(ModelMismatch, match="train again"):
        Model(trained.model.ubj[:-1] + b"?", trained.model.sidecar)
