"""What the readers of PyTorch checkpoints share: from arrays to variables.

A state dict is a dictionary of arrays by the names of PyTorch's modules. Its
kernels are `(out, in, height, width)`, those of transposed convolutions
`(in, out, height, width)`, and those of linear layers `(out, in)`: all of them
TensorFlow's with the axes in another order, which `to_tensorflow` restores.
"""

from __future__ import annotations

import re
from typing import Callable, Mapping

import numpy as np

from sagan_tf.errors import UserError

StateDict = Mapping[str, np.ndarray]

# The right singular vectors follow from the left ones and the kernel; the
# counters of batches serve a kind of average that nobody uses here.
_IGNORED = re.compile(r".*\.(weight_v|num_batches_tracked)$")


class State:
    """A state dict that looks like a TensorFlow checkpoint.

    Args:
        state: arrays by name; a prefix `module.` of all of them, which
            training on several devices leaves, is dropped.
        prefix: what to call it in an error.
        convert: from a name and an array to the array in our layout.

    Attributes:
        prefix: what to call it in an error.
        shapes: shapes, as converted, by name.
    """

    def __init__(
        self,
        state: StateDict,
        prefix: str,
        convert: Callable[[str, np.ndarray], np.ndarray],
    ):
        self.prefix = prefix
        if state and all(name.startswith("module.") for name in state):
            state = {name[7:]: array for name, array in state.items()}
        self._values = {
            name: convert(name, np.asarray(array))
            for name, array in state.items()
            if not _IGNORED.match(name)
        }
        self.shapes = {
            name: array.shape for name, array in self._values.items()
        }

    def value(self, name: str) -> np.ndarray:
        """Returns an array in our layout."""
        return self._values[name]

    def axis(self, name: str, axis: int, source: str) -> int:
        """Returns the size of an axis.

        Args:
            name: of an array.
            axis: of the array in our layout.
            source: the implementation that should have written it.

        Raises:
            UserError: if there is no such array or axis.
        """
        shape = self.shapes.get(name, ())
        if not -len(shape) <= axis < len(shape):
            raise UserError(
                f"`checkpoint` should hold {name} of {source}. Received: "
                f"{self.prefix} with {len(self.shapes)} arrays, of which "
                f"{name} is {shape if shape else 'none'}"
            )
        return shape[axis]


def to_tensorflow(array: np.ndarray) -> np.ndarray:
    """Returns a kernel with TensorFlow's order of axes.

    Args:
        array: `(out, in, height, width)` of a convolution, `(in, out, height,
            width)` of a transposed one, `(out, in)` of a linear layer, or any
            other array, which is returned as it is.

    Returns:
        `(height, width, in, out)`, `(height, width, out, in)` or `(in, out)`.
    """
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    return array.T if array.ndim == 2 else array
