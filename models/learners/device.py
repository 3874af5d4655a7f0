"""Device of XGBoost: a GPU where the build supports it and one is present, otherwise the processor."""

import ctypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import xgboost as xgb


def count_gpus() -> int:
    """Returns the number of GPUs that the NVIDIA driver reports; 0 without a driver."""
    count = ctypes.c_int(0)
    with suppress(OSError):
        driver = ctypes.CDLL("libcuda.so.1")
        if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


def device(build: Mapping[str, Any] | None = None, gpus: Callable[[], int] = count_gpus) -> str:
    """Returns `cuda` or `cpu`, XGBoost's `device` parameter. `build` has the form of `xgboost.build_info()`."""
    build = xgb.build_info() if build is None else build
    return "cuda" if build.get("USE_CUDA") and gpus() else "cpu"
