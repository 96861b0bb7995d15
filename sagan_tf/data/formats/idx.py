"""The four IDX files of MNIST and of what is made like it.

A file starts with two zeros, a type (8 is uint8), a number of dimensions and
their lengths, as big-endian integers; what follows are the values.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import zlib

import numpy as np
from PIL import Image

from sagan_tf.data.importer import Importer, Sample, existing
from sagan_tf.errors import UserError

# How the files of a split are called.
_SPLITS = {"train": ("train",), "test": ("t10k", "test")}
_UINT8 = 8
_NAMES = "classes.txt"


class Idx(Importer):
    """Grey images in an IDX file, and their labels in another.

    Args:
        path: folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`
            and the same of `t10k`, or with them as `.gz`; and, where classes
            have names, `classes.txt` with one in each line.
        split: `"train"` or `"test"`.

    Raises:
        UserError: if there are no such files, or they are broken.
    """

    def __init__(self, path: str, split: str = "train") -> None:
        folder = existing(path, "folder")
        if split not in _SPLITS:
            raise UserError(
                f"`split` of idx should be train or test. Received: {split!r}"
            )
        self._file = _find(folder, split, "images")
        self._images = _read(self._file, dimensions=3)
        labels = {
            each: _read(_find(folder, each, "labels"), dimensions=1)
            for each in _SPLITS
        }
        if len(labels[split]) != len(self._images):
            raise UserError(
                f"{self._file} has {len(self._images)} images, where there are "
                f"{len(labels[split])} labels"
            )
        count = 1 + max(int(each.max(initial=0)) for each in labels.values())
        super().__init__(
            "idx",
            folder,
            len(self._images),
            _names(folder, count),
            labels[split].astype(np.int32),
        )

    def identity(self) -> str:
        """Returns a digest of the images and the labels."""
        digest = hashlib.sha256(self._images)
        digest.update(self.labels)
        return f"idx {digest.hexdigest()[:12]}"

    def stored_in(self) -> list[str]:
        """Returns the file of the images."""
        return [self._file]

    def origin(self, index: int) -> str:
        """Returns the file's name and the number of the image in it."""
        return f"{os.path.basename(self._file)}: image {index}"

    def read(self, index: int) -> Sample:
        """Returns an image and its label."""
        image = Image.fromarray(self._images[index])
        return Sample(image, int(self.labels[index]))


def _find(folder: str, split: str, kind: str) -> str:
    found = [
        file
        for word in _SPLITS[split]
        for file in glob.glob(
            os.path.join(glob.escape(folder), f"*{word}-{kind}*idx*ubyte*")
        )
    ]
    # A file may lie beside what was unpacked of it.
    found = sorted(found, key=lambda file: file.endswith(".gz"))
    if not found or len({file.removesuffix(".gz") for file in found}) > 1:
        digits = {"images": 3, "labels": 1}[kind]
        raise UserError(
            f"{folder} should hold one file {_SPLITS[split][0]}-{kind}-idx"
            f"{digits}-ubyte, or that as .gz. Received: {len(found)}"
        )
    return found[0]


def _names(folder: str, count: int) -> list[str]:
    path = os.path.join(folder, _NAMES)
    if not os.path.isfile(path):
        return [f"class {number}" for number in range(count)]
    with open(path, encoding="utf-8", errors="replace") as stream:
        names = [line.strip() for line in stream if line.strip()]
    if len(names) != count:
        raise UserError(
            f"{path} should have a line for each of {count} classes. "
            f"Received: {len(names)}"
        )
    return names


def _read(file: str, dimensions: int) -> np.ndarray:
    try:
        with open(file, "rb") as stream:
            data = stream.read()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    start = 4 + 4 * dimensions
    shape = np.frombuffer(data[4:start].ljust(start - 4, b"\0"), ">u4")
    size = int(np.prod(shape.astype(np.int64)))
    if data[:4] != bytes((0, 0, _UINT8, dimensions)) or (
        len(data) != start + size
    ):
        raise UserError(
            f"{file} should be a whole IDX file of uint8 in {dimensions} "
            f"dimensions. Received: {len(data)} bytes"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
