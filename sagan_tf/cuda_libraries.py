"""NVIDIA's libraries, where TensorFlow does not find one of them by itself.

TensorFlow 2.21 opens all of them from `libtensorflow_framework.so.2`, whose
search path lacks `nvidia/cusolver/lib`; without the solver it sees no GPU
(seen on an H200, and in the file by `readelf -d`). A library that is loaded
already is found by its name.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pathlib

_PLACE = "nvidia/cusolver/lib"
_NAME = "libcusolver.so.*"


def load_solver() -> None:
    """Loads cuSOLVER if it was installed beside TensorFlow, and may be used.

    TensorFlow is not imported for it. To be called before it looks for GPUs.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip()[:2]
    tensorflow = importlib.util.find_spec("tensorflow")
    if hidden in ("", "-1") or not (tensorflow and tensorflow.origin):
        return
    packages = pathlib.Path(tensorflow.origin).parents[1]
    for library in sorted((packages / _PLACE).glob(_NAME)):
        try:
            ctypes.CDLL(str(library))
        except OSError:
            # Then no GPU is seen, which every command says.
            continue
