"""Decoded pictures kept on disk, and read in any order."""

from __future__ import annotations

import hashlib
import pathlib
from typing import Callable, Iterable

import numpy as np

from sagan_tf.data.sources import FunctionSource
from sagan_tf.errors import UserError
from sagan_tf.whole_files import replacing

# Number, picture and label of each that can be read.
Readable = Callable[[], Iterable["tuple[int, np.ndarray, int]"]]


def cached_source(
    directory: str,
    settings: str,
    count: int,
    image_size: int,
    read: Readable,
) -> FunctionSource:
    """Return pictures that a directory keeps, decoding them if it does not.

    They take `count * image_size**2 * 3` bytes. Two runs may share a directory:
    files are named by a digest of the settings, and appear when whole.

    Args:
        directory: where to keep them; it is made.
        settings: words that tell these pictures from others.
        count: most pictures that there can be.
        image_size: height and width of the pictures, in pixels.
        read: reads all.

    Raises:
        UserError: if the directory cannot be written to.
    """
    folder = pathlib.Path(directory).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(settings.encode()).hexdigest()[:16]
        images, labels = (
            folder / f"{digest}.{kind}.npy" for kind in ("images", "labels")
        )
        if not labels.exists():
            _write(images, labels, count, image_size, read)
    except OSError as error:
        raise UserError(
            f"`cache` should be memory or a directory to write to: {error}."
        ) from error
    return _source(images, labels, image_size)


def _write(
    images: pathlib.Path,
    labels: pathlib.Path,
    count: int,
    image_size: int,
    read: Readable,
) -> None:
    shape = (count, image_size, image_size, 3)
    found = []
    with replacing(images) as aside:
        array = np.lib.format.open_memmap(aside, "w+", np.uint8, shape)
        for _, image, label in read():
            array[len(found)] = image
            found.append(label)
        array.flush()
    # Their presence says that the pictures are whole.
    with replacing(labels) as aside, aside.open("wb") as file:
        np.save(file, np.array(found, np.int32))


def _source(
    images: pathlib.Path, labels: pathlib.Path, image_size: int
) -> FunctionSource:
    stored_labels = np.load(labels)
    stored = np.load(images, mmap_mode="r")

    def load(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return stored[indices], stored_labels[indices]

    return FunctionSource(
        load,
        num_examples=len(stored_labels),
        image_size=image_size,
        labels=stored_labels,
    )
