"""Where XGBoost computes: on a GPU where it was built for one and finds one, else on the processor."""

import ctypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import xgboost as xgb


def count_gpus() -> int:
    """How many GPUs the NVIDIA driver of this machine sees; 0 without a driver."""
    count = ctypes.c_int(0)
    with suppress(OSError):
        driver = ctypes.CDLL("libcuda.so.1")
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


def device(build: Mapping[str, Any] | None = None, gpus: Callable[[], int] = count_gpus) -> str:
    """`cuda` or `cpu`, XGBoost's parameter of that name. `build` is what `xgboost.build_info` says."""
    build = xgb.build_info() if build is None else build
    return "cuda" if build.get("USE_CUDA") and gpus() else "cpu"
