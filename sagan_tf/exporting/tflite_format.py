"""A generator in TensorFlow Lite's format, and its runtime."""

from __future__ import annotations

import contextlib
import os
import warnings
from typing import Any, Iterator

import tensorflow as tf

NAME = "TensorFlow Lite"
DTYPES = ("float32", "float16", "int8")


def check_installed() -> None:
    """Returns at once: TensorFlow brings converter and runtime."""


def convert(
    function: Any,
    specs: dict[str, tf.TensorSpec],
    owner: tf.Module,
    dtype: str,
) -> bytes:
    """Converts a function.

    Args:
        function: a `tf.function` that takes tensors by name and gives a
            dictionary of tensors.
        specs: what it takes.
        owner: what holds its variables.
        dtype: one of `DTYPES`, that large weights are kept in: float16 ones are
            computed with in float32, and int8 ones in integers, with what they
            meet rounded to 8 bits as it comes.
    """
    concrete = function.get_concrete_function(**specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [concrete], owner
    )
    if dtype != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if dtype == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with _quiet():
        return converter.convert()


def load(content: bytes) -> Any:
    """Returns what runs a file's content: arrays by name in and out."""
    with warnings.catch_warnings():
        # Newer releases announce the package that will replace it.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=content)
    runner = interpreter.get_signature_runner()
    return lambda inputs: runner(**inputs)


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
