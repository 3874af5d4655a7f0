import numpy as np
import pytest

from domain.errors import ModelMismatch
from models.artifact.model import Model, Sidecar, seal
from models.learners.boosting import Shape, alone
from models.learners.calibration import logit
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


def test_a_model_without_trees_is_explained_by_its_line_alone(trained: Training) -> None:
    sidecar, rows = trained.model.sidecar, trained.sample
    assert sidecar.linear is not None
    fitted = alone(sidecar.linear, rows, sidecar.params, Shape([0] * rows.shape[1]))
    fields = {name: getattr(sidecar, name) for name in Sidecar.model_fields if name != "model_sha256"}
    line = seal(fitted.booster, **fields | {"frailty": None})
    contributions = line.contributions(rows[:1])
    assert contributions.shape == (1, rows.shape[1] + 1)
    assert np.allclose(contributions.sum(axis=1), logit(line.probabilities(rows[:1])), atol=1e-5)
