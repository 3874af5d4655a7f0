import pytest

from domain.errors import ModelMismatch
from models.artifact.champion import open_model
from tests.lib.api_parts import small_model

MODEL = small_model()


def test_a_stored_model_opens_under_its_version_and_is_told_apart_by_its_hash() -> None:
    champion = open_model("no_show/3", MODEL.ubj, MODEL.sidecar.model_dump(mode="json"))
    assert champion.key == ("no_show/3", MODEL.sidecar.model_sha256)
    assert champion.model.sidecar == MODEL.sidecar


def test_bytes_of_another_model_are_refused() -> None:
    with pytest.raises(ModelMismatch):
        open_model("no_show/3", MODEL.ubj + b" ", MODEL.sidecar.model_dump(mode="json")).model.margins  # noqa: B018


def test_a_sidecar_of_another_version_is_refused_by_the_fields_that_differ() -> None:
    sidecar = MODEL.sidecar.model_dump(mode="json")
    sidecar["horizon"], sidecar["task"] = "soon", "unknown"
    with pytest.raises(ModelMismatch, match=r"no_show/3.*horizon, task"):
        open_model("no_show/3", MODEL.ubj, sidecar)
