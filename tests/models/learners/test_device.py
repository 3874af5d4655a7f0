from models.learners.device import count_gpus, device
from tests.lib.tuning_problem import problem


def test_the_processor_is_used_where_xgboost_or_the_machine_has_no_gpu() -> None:
    assert device({"USE_CUDA": False}, gpus=lambda: 1) == "cpu"
    assert device({"USE_CUDA": True}, gpus=lambda: 0) == "cpu"
    assert device({"USE_CUDA": True}, gpus=lambda: 1) == "cuda"
    assert count_gpus() >= 0
    assert problem().fixed["device"] == device()
