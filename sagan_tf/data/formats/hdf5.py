"""One HDF5 file in the layout that BigGAN-PyTorch trains from.

`imgs` is uint8 of shape (N, 3, size, size), `labels` integers of shape (N,).
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np
from PIL import Image

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.importer import Importer, Sample, existing, spread
from sagan_tf.errors import UserError, one_line

# So many images may be unpacked to read one.
_MOST_PACKED_TOGETHER = 8
# Images that tell the data from others; fewer where each is slow to read.
_SAMPLE, _SLOW_SAMPLE = 256, 16


class Hdf5(Importer):
    """The images of an HDF5 file.

    They lie in the order of their classes there, and are numbered in a fixed
    mixed order; unless they are compressed together, where that would unpack
    many to read one.

    Args:
        path: the file.
        num_classes: number of classes; `None` for one more than the largest
            label.

    Raises:
        UserError: if the file has another layout, or a label no class.
    """

    def __init__(self, path: str, num_classes: int | None = None) -> None:
        path = existing(path, "file")
        images = _member(path, "imgs")
        _check_images(path, images)
        stored = _labels(path, len(images))
        together = images.chunks[0] if images.compression else 1
        slow_because = ""
        # `RandomState` promises the same numbers in every release of NumPy.
        self._order = np.random.RandomState(0).permutation(len(images))
        if together > _MOST_PACKED_TOGETHER:
            self._order = np.arange(len(images))
            slow_because = f"{path} is compressed in parts of {together} images"
        count = num_classes or int(stored.max(initial=0)) + 1
        super().__init__(
            "hdf5",
            path,
            len(images),
            [f"class {number}" for number in range(count)],
            stored[self._order].astype(np.int32),
            slow_because=slow_because,
        )
        wrong = np.flatnonzero((stored < 0) | (stored >= count))
        if len(wrong) and num_classes != 0:
            raise UserError(
                f"{path}: labels[{wrong[0]}] is {stored[wrong[0]]}: expected 0 "
                f"to {count - 1} ({len(wrong)} such labels)"
            )

    def identity(self) -> str:
        """Returns a digest of the labels, and of images from all over."""
        digest = hashlib.sha256(np.ascontiguousarray(self.labels))
        most = _SLOW_SAMPLE if self.slow_because else _SAMPLE
        for place in spread(self.count, most).tolist():
            try:
                digest.update(self._pixels(place).tobytes())
            except UnreadableError:
                # Skipped or refused when its turn comes.
                digest.update(b"unreadable")
        return f"hdf5 {digest.hexdigest()[:12]}"

    def _pixels(self, place: int) -> np.ndarray:
        try:
            return _member(self.root, "imgs")[place]
        except (OSError, RuntimeError) as error:
            raise UnreadableError(one_line(error)) from error

    def origin(self, index: int) -> str:
        """Returns the image's place in the array."""
        return f"imgs[{self._order[index]}]"

    def where(self, index: int) -> str:
        """Returns the file and the place."""
        return f"{self.root}: {self.origin(index)}"

    def read(self, index: int) -> Sample:
        """Returns an image and its label."""
        pixels = self._pixels(int(self._order[index]))
        image = Image.fromarray(np.moveaxis(pixels, 0, -1).copy())
        return Sample(image, int(self.labels[index]))


@functools.lru_cache(maxsize=8)
def _open(path: str) -> Any:
    """Returns the open file; each process opens it once."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path} should be an HDF5 file. Received: {one_line(error)}"
        ) from error


def _member(path: str, name: str) -> Any:
    file = _open(path)
    if name not in file:
        raise UserError(
            f"{path} should hold `imgs` and `labels`. Received: "
            f"{', '.join(file) or 'nothing'}"
        )
    return file[name]


def _described(member: Any) -> str:
    # A group has neither; the shape of one without elements may be None.
    kind = str(getattr(member, "dtype", "a group"))
    return f"{kind} of shape {getattr(member, 'shape', None) or ()}"


def _check_images(path: str, images: Any) -> None:
    shape = getattr(images, "shape", None) or ()
    if len(shape) != 4 or shape[1] != 3 or images.dtype != np.uint8:
        raise UserError(
            f"{path}: `imgs` should be uint8 of shape (N, 3, height, width). "
            f"Received: {_described(images)}"
        )


def _labels(path: str, count: int) -> np.ndarray:
    labels = _member(path, "labels")
    shape = getattr(labels, "shape", None)
    if shape != (count,) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{path}: `labels` should be integers of shape ({count},), one for "
            f"each of `imgs`. Received: {_described(labels)}"
        )
    return labels[:].astype(np.int64)
