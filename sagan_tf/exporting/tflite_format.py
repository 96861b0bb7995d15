"""A generator in TensorFlow Lite's format, and its runtime."""

from __future__ import annotations

import contextlib
import os
import warnings
from typing import Any, Iterator

import numpy as np
import tensorflow as tf

NAME = "TensorFlow Lite"


def check_installed() -> None:
    """Returns at once: TensorFlow brings converter and runtime."""


def convert(
    function: Any, specs: dict[str, tf.TensorSpec], owner: tf.Module
) -> bytes:
    """Converts a function.

    Args:
        function: a `tf.function` that takes tensors by name and gives a
            dictionary of tensors.
        specs: what it takes.
        owner: what holds its variables.
    """
    concrete = function.get_concrete_function(**specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [concrete], owner
    )
    with _quiet():
        return converter.convert()


def run(content: bytes, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs a file's content: arrays by name in and out."""
    with warnings.catch_warnings():
        # Newer releases announce the package that will replace it.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=content)
    return interpreter.get_signature_runner()(**inputs)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the converter, which writes past Python's standard error."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
