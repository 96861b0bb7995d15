"""Self-Attention Generative Adversarial Networks for TensorFlow 2."""

from __future__ import annotations

import importlib
from typing import Any

from sagan_tf import cuda_libraries, keras_two

__version__ = "0.1.0"

__all__ = ["SAGAN", "Discriminator", "Generator"]

_HOMES = {
    "SAGAN": "sagan_tf.gan",
    "Discriminator": "sagan_tf.networks",
    "Generator": "sagan_tf.networks",
}

keras_two.choose()
cuda_libraries.load_solver()


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first wanted.

    So a command that stops at a wrong flag does not wait for TensorFlow.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
