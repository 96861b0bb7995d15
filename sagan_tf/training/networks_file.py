"""Networks alone, in half precision: a file to draw with and to start from."""

from __future__ import annotations

import pathlib
import zipfile
import zlib
from typing import Mapping

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.whole_files import write_npz

_BROKEN = (EOFError, OSError, ValueError, zipfile.BadZipFile, zlib.error)


def write(path: pathlib.Path, networks: Mapping[str, tf.keras.Model]) -> None:
    """Writes networks as `NAME/LAYER/.../VARIABLE`, kernels in float16.

    Args:
        path: the NPZ file.
        networks: built networks by name.

    Raises:
        UserError: if a weight is not finite.
    """
    arrays = {
        f"{name}/{_path(variable)}": _halved(variable)
        for name, network in networks.items()
        for variable in network.variables
    }
    write_npz(path, compressed=True, **arrays)


def restore(path: pathlib.Path, name: str, network: tf.keras.Model) -> None:
    """Gives a network the values that were written; all or none.

    Args:
        path: the NPZ file.
        name: which of its networks.
        network: a built network of the same architecture.

    Raises:
        ValueError: if the file is broken, or has not these variables.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            there = {key.partition("/")[0] for key in file.files}
            found = {
                key.removeprefix(f"{name}/"): file[key]
                for key in file.files
                if key.startswith(f"{name}/")
            }
    except _BROKEN as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error
    expected = {_path(variable): variable for variable in network.variables}
    if not found:
        others = " and ".join(sorted(there)) or "nothing"
        raise ValueError(f"{path.name} holds {others}, no {name}")
    for key in sorted({*found, *expected}):
        theirs = found[key].shape if key in found else "none"
        ours = tuple(expected[key].shape) if key in expected else "none"
        if theirs != ours:
            raise ValueError(f"{key} is {theirs} there, {ours} here")
    for key, variable in expected.items():
        variable.assign(found[key].astype(variable.dtype.as_numpy_dtype))


def _halved(variable: tf.Variable) -> np.ndarray:
    """Returns a value in float16 if it is a kernel or a table, and fits."""
    value = variable.numpy()
    if not np.isfinite(value).all():
        raise UserError(f"{variable.name} should be finite")
    largest = np.abs(value).max(initial=0.0)
    # Vectors are few, and may be as small as a variance.
    is_kernel = sum(size > 1 for size in value.shape) > 1
    fits = largest < np.finfo(np.float16).max
    return value.astype(np.float16) if is_kernel and fits else value


def _path(variable: tf.Variable) -> str:
    return variable.name.partition("/")[2].partition(":")[0]
