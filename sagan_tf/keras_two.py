"""Keras 2 as `tf.keras`, on every TensorFlow.

TensorFlow 2.16 and later take Keras 3 for `tf.keras`, unless the environment
variable TF_USE_LEGACY_KERAS asks for the package tf-keras when `tf.keras` is
first used (https://github.com/tensorflow/tensorflow/releases/tag/v2.16.1).
"""

from __future__ import annotations

import importlib.metadata
import os
import sys

_VARIABLE = "TF_USE_LEGACY_KERAS"


def choose() -> None:
    """Makes `tf.keras` Keras 2 where it would be Keras 3.

    TensorFlow is not imported for it.

    Raises:
        ImportError: if `tf.keras` is in use already, and is Keras 3.
    """
    if not _keras_is_three():
        return
    os.environ[_VARIABLE] = "1"
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    # The name of the package that tf.keras comes from: "keras" or "tf_keras".
    if tensorflow.keras.layers.Layer.__module__.startswith("keras."):
        raise ImportError(
            "sagan_tf needs Keras 2, and tf.keras is in use already as Keras "
            f"3: import sagan_tf before anything uses tf.keras, or set "
            f"{_VARIABLE}=1 before Python starts"
        )


def _keras_is_three() -> bool:
    try:
        return int(importlib.metadata.version("keras").split(".")[0]) >= 3
    except importlib.metadata.PackageNotFoundError:
        return False
