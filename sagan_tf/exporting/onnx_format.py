"""A generator in the format ONNX, and ONNX Runtime."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError

NAME = "ONNX Runtime"
DTYPES = ("float32",)
# The newest that every release of ONNX Runtime since 1.12 (2022) runs.
_OPERATOR_SET = 17


def check_installed() -> None:
    """Refuses to start without the packages.

    Raises:
        UserError: if one of them is not installed.
    """
    for package in ("onnx", "tf2onnx", "onnxruntime"):
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            raise UserError(
                f"--format=onnx needs the package {error.name}, on Python 3.10 "
                "or 3.11: `make extras` installs it into .venv-extras, or any "
                "environment's `python -m pip install -r "
                "requirements-extras.txt`"
            ) from error


def convert(
    function: Any,
    specs: dict[str, tf.TensorSpec],
    owner: tf.Module,
    dtype: str,
) -> bytes:
    """Converts a function, as `tflite_format.convert` does."""
    del owner, dtype
    import tf2onnx

    # What is traced by position keeps its order.
    model, _ = tf2onnx.convert.from_function(
        function, input_signature=list(specs.values()), opset=_OPERATOR_SET
    )
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model.SerializeToString()


def load(content: bytes) -> Any:
    """Returns what runs a file's content: arrays by name in and out."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, inputs)))

    return run
