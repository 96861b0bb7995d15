"""Reads the tensors of a `.pth` file without PyTorch and without trust.

Both formats are read: the archive that PyTorch writes since 1.6, and the older
sequence of pickles. What is read takes no more memory than some copies of the
file: PyTorch compresses nothing, so neither form need inflate.
"""

from __future__ import annotations

import io
import pathlib
import zipfile
from typing import Any, BinaryIO, Iterator

import numpy as np

from sagan_tf.errors import UserError
from sagan_tf.interop.unpickling import RestrictedUnpickler, Tensor

# First pickle of a file in the older format.
_MAGIC = 0x1950A86A20F9469CFC6C
# How often tensors that share bytes may repeat those of the file.
_MOST_COPIES = 4


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
            most_bytes = _MOST_COPIES * path.stat().st_size
            arrays = dict(_arrays(content, most_bytes))
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


def _arrays(content: Any, most_bytes: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields names and arrays of a state dict, or of the one inside."""
    if isinstance(content, dict):
        inner = content.get("state_dict")
        for name, value in (inner or content).items():
            if isinstance(value, Tensor):
                array = value.array()
                most_bytes -= array.nbytes
                if most_bytes < 0:
                    raise ValueError("tensors far larger than the file")
                yield str(name), array


def _unreadable(path: pathlib.Path, reason: str) -> UserError:
    return UserError(
        "`checkpoint` should be a .pth file with the state dict of a network. "
        f"Received: {path} ({reason})"
    )


def _read_archive(file: BinaryIO) -> Any:
    archive = zipfile.ZipFile(file)
    names = [n for n in archive.namelist() if n.endswith("data.pkl")]
    if len(names) != 1:
        raise ValueError("an archive without data.pkl")
    if any(i.compress_type != zipfile.ZIP_STORED for i in archive.infolist()):
        raise ValueError("a compressed archive, which PyTorch does not write")
    folder = names[0][: -len("data.pkl")]

    def storage(dtype: np.dtype, key: str, count: int) -> Any:
        def load() -> np.ndarray:
            data = archive.read(f"{folder}data/{key}")
            return np.frombuffer(data, dtype, count)

        return load

    return RestrictedUnpickler(
        io.BytesIO(archive.read(names[0])), storage
    ).load()


def _read_sequence(file: BinaryIO) -> Any:
    file.seek(0)
    storages: dict[str, np.ndarray] = {}
    dtypes: dict[str, np.dtype] = {}

    def storage(dtype: np.dtype, key: str, count: int) -> Any:
        dtypes[key] = dtype
        return lambda: storages[key]

    def load() -> Any:
        return RestrictedUnpickler(file, storage).load()

    if load() != _MAGIC:
        raise ValueError("not written by PyTorch")
    load(), load()
    content = load()
    for key in load():
        count = int.from_bytes(file.read(8), "little")
        dtype = dtypes[str(key)]
        place = file.tell()
        if count * dtype.itemsize > file.seek(0, io.SEEK_END) - place:
            raise ValueError("a tensor longer than the file")
        file.seek(place)
        data = file.read(count * dtype.itemsize)
        storages[str(key)] = np.frombuffer(data, dtype, count)
    return content
