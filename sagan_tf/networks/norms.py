"""The spectral norms of kernels that are not normalized."""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np


def kernel_norms(variables: Iterable[Any]) -> list[float]:
    """Returns the norms of the kernels and embeddings among variables."""
    return [
        largest_singular_value(variable.numpy())
        for variable in variables
        if variable.name.split("/")[-1] in ("kernel:0", "embeddings:0")
    ]


def largest_singular_value(kernel: np.ndarray) -> float:
    """Returns the largest singular value, NaN if a number is not finite.

    Args:
        kernel: a matrix `(everything else, last axis)` once it is reshaped.
    """
    matrix = kernel.astype(np.float64).reshape(-1, kernel.shape[-1])
    # By the smaller of both Gram matrices.
    if len(matrix) < matrix.shape[1]:
        matrix = matrix.T
    if not np.all(np.isfinite(matrix)):
        return float("nan")
    return float(np.sqrt(np.linalg.eigvalsh(matrix.T @ matrix)[-1]))
