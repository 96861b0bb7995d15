"""Reads the tensors of a `.pth` file without PyTorch and without trust.

Such a file holds a pickle, and a pickle can name any function to be called.
Here it can name nothing: tensors and dictionaries are rebuilt by functions of
this module, every other name gives an inert stand-in, and the bytes of a tensor
are read only within its storage. Both formats are read: the archive that
PyTorch writes since 1.6, and the older sequence of pickles.
"""

from __future__ import annotations

import collections
import io
import pathlib
import pickle
import zipfile
from typing import Any, BinaryIO, Callable, Iterator

import numpy as np

from sagan_tf.errors import UserError

# First pickle of a file in the older format.
_MAGIC = 0x1950A86A20F9469CFC6C

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


def read(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Reads a state dict.

    Args:
        path: a file that holds a state dict, or a dictionary with one under
            `state_dict`.

    Returns:
        Arrays by name.

    Raises:
        UserError: if the file is missing or holds no state dict.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as file:
            content = (
                _read_archive(file)
                if zipfile.is_zipfile(file)
                else _read_sequence(file)
            )
            arrays = dict(_arrays(content))
    except Exception as error:
        # What comes from anywhere may be broken in any way.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _unreadable(path, reason) from error
    if not arrays:
        raise _unreadable(path, "no tensors by name")
    return arrays


def read_pair(
    path: str,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Reads the generator's state dict and the discriminator's beside it.

    Args:
        path: the generator's file. The name of the discriminator's has `D` in
            the place of `G`, or of `G_ema`.

    Raises:
        UserError: if there is no such pair, or a file holds no state dict.
    """
    generator = pathlib.Path(path)
    for mark, other in (
        ("model=G_ema-", "model=D-"),
        ("model=G-", "model=D-"),
        ("_G.", "_D."),
    ):
        if mark in generator.name:
            name = generator.name.replace(mark, other, 1)
            return read(generator), read(generator.with_name(name))
    raise UserError(
        "`checkpoint` should be the generator's file, such as 10000_G.pth or "
        "model=G-best-weights-step=10000.pth, with the discriminator's beside "
        f"it. Received: {path}"
    )


def _arrays(content: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yields names and arrays of a state dict, or of the one inside."""
    if isinstance(content, dict):
        inner = content.get("state_dict")
        for name, value in (inner or content).items():
            if isinstance(value, _Tensor):
                yield str(name), value.array()


def _unreadable(path: pathlib.Path, reason: str) -> UserError:
    return UserError(
        "`checkpoint` should be a .pth file with the state dict of a network. "
        f"Received: {path} ({reason})"
    )


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


class _Tensor:
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
        pass

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


class _Parameter:
    """A tensor that was trained, which is the tensor."""

    def __new__(cls, tensor: Any, *_: Any) -> Any:
        return tensor


_REBUILDERS = {
    ("collections", "OrderedDict"): _Dictionary,
    ("torch._utils", "_rebuild_tensor"): _Tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
}


class _Unpickler(pickle.Unpickler):
    """Knows tensors, dictionaries, numbers and strings alone."""

    def __init__(self, file: BinaryIO, storage: Callable[..., Any]):
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _Kind(_DTYPES[name])
        return _REBUILDERS.get((module, name), _Inert)

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == "module":
            # A class with the text of its source, in the older format.
            return pid[1]
        what, kind, key, _, count, *_ = pid
        if what != "storage" or not isinstance(kind, _Kind):
            raise ValueError("a tensor of numbers of an unknown kind")
        return self._storage(np.dtype(kind.name), str(key), int(count))


def _read_archive(file: BinaryIO) -> Any:
    archive = zipfile.ZipFile(file)
    names = [n for n in archive.namelist() if n.endswith("data.pkl")]
    if len(names) != 1:
        raise ValueError("an archive without data.pkl")
    folder = names[0][: -len("data.pkl")]

    def storage(dtype: np.dtype, key: str, count: int) -> Any:
        def load() -> np.ndarray:
            data = archive.read(f"{folder}data/{key}")
            return np.frombuffer(data, dtype, count)

        return load

    return _Unpickler(io.BytesIO(archive.read(names[0])), storage).load()


def _read_sequence(file: BinaryIO) -> Any:
    file.seek(0)
    storages: dict[str, np.ndarray] = {}
    dtypes: dict[str, np.dtype] = {}

    def storage(dtype: np.dtype, key: str, count: int) -> Any:
        dtypes[key] = dtype
        return lambda: storages[key]

    def load() -> Any:
        return _Unpickler(file, storage).load()

    if load() != _MAGIC:
        raise ValueError("not written by PyTorch")
    load(), load()
    content = load()
    for key in load():
        count = int.from_bytes(file.read(8), "little")
        dtype = dtypes[str(key)]
        data = file.read(count * dtype.itemsize)
        storages[str(key)] = np.frombuffer(data, dtype, count)
    return content
