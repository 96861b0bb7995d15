"""Unpickles tensors and trusts nothing.

A pickle can name any function to be called. Here it can name nothing: tensors
and dictionaries are rebuilt by functions of this module, every other name gives
an inert stand-in, and the bytes of a tensor are read only within its storage.
"""

from __future__ import annotations

import collections
import pickle
from typing import Any, BinaryIO, Callable

import numpy as np

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


class _Inert:
    """Stands for whatever a file names; takes everything, does nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> _Inert:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any):
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        pass


class _Dictionary(collections.OrderedDict):
    """A state dict, whose own attributes are left aside."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Kind:
    """A kind of number, which a file cannot change."""

    def __init__(self, name: str):
        self.name = name

    def __setstate__(self, state: Any) -> None:
        pass


class Tensor:
    """A view of a storage whose bytes may come later.

    Args:
        storage: returns the values, one-dimensional.
        offset: of the first value.
        size: length of each axis.
        stride: values between neighbours along each axis.
    """

    def __init__(
        self,
        storage: Callable[[], np.ndarray],
        offset: int,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        *_: Any,
    ):
        self.storage, self.offset = storage, offset
        self.size, self.stride = tuple(size), tuple(stride)

    def __setstate__(self, state: Any) -> None:
        """Leaves aside what a file would set."""

    def array(self) -> np.ndarray:
        """Copies the values, none of them from outside the storage."""
        values = self.storage()
        index = np.asarray(self.offset, np.int64)
        count = np.prod(self.size, dtype=object)
        if count > max(values.size, 1) or len(self.size) != len(self.stride):
            raise ValueError("a tensor is larger than its storage")
        for size, stride in zip(self.size, self.stride):
            index = index[..., np.newaxis] + np.arange(size) * stride
        if index.size and not 0 <= index.min() <= index.max() < values.size:
            raise ValueError("a tensor reaches outside its storage")
        return values[index]


_REBUILDERS = {
    ("collections", "OrderedDict"): _Dictionary,
    ("torch._utils", "_rebuild_tensor"): Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    # A tensor that was trained is the tensor.
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
}


class RestrictedUnpickler(pickle.Unpickler):
    """Knows tensors, dictionaries, numbers and strings alone."""

    def __init__(self, file: BinaryIO, storage: Callable[..., Any]):
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """Returns what a name of the file stands for."""
        if module == "torch" and name in _DTYPES:
            return _Kind(_DTYPES[name])
        return _REBUILDERS.get((module, name), _Inert)

    def persistent_load(self, pid: Any) -> Any:
        """Returns a storage, as `storage` gives it."""
        if pid[0] == "module":
            # A class with the text of its source, in the older format.
            return pid[1]
        what, kind, key, _, count, *_ = pid
        if what != "storage" or not isinstance(kind, _Kind):
            raise ValueError("a tensor of numbers of an unknown kind")
        return self._storage(np.dtype(kind.name), str(key), int(count))
