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

# CUDA's own variable: empty, or with -1 ahead, it hides every GPU.
VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"
_SOLVERS = "nvidia/cusolver/lib/libcusolver.so.*"


def gpus_are_hidden() -> bool:
    """Returns whether the user lets no program see a GPU."""
    return os.environ.get(VISIBLE_VARIABLE, "0").strip()[:2] in ("", "-1")


def load_solver() -> None:
    """Loads cuSOLVER if it was installed beside TensorFlow, and may be used.

    TensorFlow is not imported for it. To be called before it looks for GPUs.
    """
    if gpus_are_hidden():
        return
    tensorflow = importlib.util.find_spec("tensorflow")
    if tensorflow is None or tensorflow.origin is None:
        return
    packages = pathlib.Path(tensorflow.origin).parents[1]
    for library in packages.glob(_SOLVERS):
        try:
            ctypes.CDLL(str(library))
        except OSError:
            # Then no GPU is seen, which every command says.
            continue
