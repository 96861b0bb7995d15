"""Arrays in an `.npz` file, the large ones without reading them."""

from __future__ import annotations

import os
import struct
import zipfile

import numpy as np

from sagan_tf.user_cache import local_copy

# Arrays of more bytes stay in the file.
_LARGE = 2**26
# What precedes a member's name in a zip file, and where its length is.
_HEADER, _LENGTHS = 30, 26


def read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Returns the arrays of a file by name; one in a store is copied here.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: if it is no such file. Nothing
            in it is unpickled.
    """
    path, found = local_copy(path), {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            stays = (
                member.compress_type == zipfile.ZIP_STORED
                and member.file_size > _LARGE
            )
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as file:
                if stays:
                    found[name] = _map(path, member, file)
                else:
                    found[name] = np.lib.format.read_array(
                        file, allow_pickle=False
                    )
    return found


def _map(
    path: str | os.PathLike[str],
    member: zipfile.ZipInfo,
    file: zipfile.ZipExtFile,
) -> np.ndarray:
    """Returns an array that is not compressed where it lies."""
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, is_fortran, dtype = read_header(file)
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds Python objects")
    with open(path, "rb") as raw:
        raw.seek(member.header_offset + _LENGTHS)
        lengths = sum(struct.unpack("<HH", raw.read(4)))
    start = member.header_offset + _HEADER + lengths + file.tell()
    return np.memmap(path, dtype, "r", start, shape, "F" if is_fortran else "C")
