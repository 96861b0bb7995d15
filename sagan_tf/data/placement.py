"""Where decoded images are: in memory, in shards, or nowhere."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
from absl import logging

from sagan_tf.data import stores
from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.formats.shards import Shards
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import DrawnImages, Importer
from sagan_tf.data.reading import check_classes_left, read_square, readable
from sagan_tf.data.sharding import Preparation, prepare
from sagan_tf.errors import UserError
from sagan_tf.user_cache import default_cache_dir

# Images that are decoded before training where all would take too long.
_SAMPLE = 256


def place(
    importer: Importer,
    count: int,
    framing: Framing,
    on_unreadable: str,
    cache: str,
) -> stores.ImageStore:
    """Returns where images are read from in training.

    The arguments are as in `open_dataset`; the first `count` are taken.

    Raises:
        UserError: if an image cannot be used, or a shard not be written.
    """
    fits = stores.fits_in_memory(count, framing.image_size)
    if isinstance(importer, DrawnImages):
        return _drawn(importer, count, framing.image_size, fits)
    if cache == "memory" or (fits and not cache):
        return _held(importer, count, framing, on_unreadable)
    if cache == "none" or _are_ready(importer, framing, cache):
        return _on_demand(importer, count, framing, on_unreadable)
    preparation = Preparation(
        importer, framing, count, on_unreadable, mixed=False
    )
    shards = _cached(preparation, cache)
    keep = _held if fits else _on_demand
    return keep(shards, shards.count, framing, "refuse")


def _are_ready(importer: Importer, framing: Framing, cache: str) -> bool:
    """Returns whether images are shards that need not be written again."""
    if not isinstance(importer, Shards):
        return False
    return not cache or importer.image_size == framing.image_size


def _drawn(
    importer: DrawnImages, count: int, size: int, fits: bool
) -> stores.ImageStore:
    if fits:
        return stores.HeldImages(*importer.draw(np.arange(count), size))
    # Refuses a size.
    importer.draw(np.arange(1), size)
    return stores.ImagesOnDemand(
        lambda indices: importer.draw(indices, size),
        num_examples=count,
        image_size=size,
    )


def _held(
    importer: Importer, count: int, framing: Framing, on_unreadable: str
) -> stores.HeldImages:
    size, indices = framing.image_size, np.arange(count)
    images, labels = np.empty((count, size, size, 3), np.uint8), []
    for _, (pixels, label) in readable(
        lambda index: read_square(importer, index, framing),
        indices,
        on_unreadable,
    ):
        images[len(labels)] = pixels
        labels.append(label)
    check_classes_left(importer, indices, np.array(labels))
    return stores.HeldImages(images[: len(labels)], np.array(labels))


def _on_demand(
    importer: Importer, count: int, framing: Framing, on_unreadable: str
) -> stores.ImagesOnDemand:
    """Returns images that are decoded whenever they are wanted.

    All of a folder are tried before, of other formats a sample.
    """
    if importer.slow_because:
        raise UserError(
            f"{importer.slow_because}, too slow to train from: set `cache` to "
            "a directory, or prepare it with tools.prepare_dataset"
        )
    numbers = tried = np.arange(count)
    if importer.name != "folder":
        some = np.linspace(0, count - 1, min(count, _SAMPLE))
        tried = np.unique(some.astype(int))

    def read(index: int) -> tuple[np.ndarray, int]:
        return read_square(importer, index, framing)

    found = [
        (index, label)
        for index, (_, label) in readable(read, tried, on_unreadable)
    ]
    check_classes_left(importer, tried, [label for _, label in found])
    broken = np.setdiff1d(tried, [index for index, _ in found])
    numbers = np.setdiff1d(numbers, broken)

    def load(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            images, labels = zip(*map(read, numbers[indices].tolist()))
        except UnreadableError as error:
            raise UserError(str(error)) from error
        return np.stack(images), np.array(labels, np.int32)

    labels = importer.labels
    return stores.ImagesOnDemand(
        load,
        num_examples=len(numbers),
        image_size=framing.image_size,
        labels=None if labels is None else labels[numbers],
    )


def _cached(preparation: Preparation, directory: str) -> Shards:
    """Returns the shards that a directory keeps, which are written once.

    Without a directory it is one of the user.
    """
    words = json.dumps(preparation.settings)
    name = hashlib.sha256(words.encode()).hexdigest()[:16]
    root = directory or os.path.join(default_cache_dir(), "images")
    folder = Path(root).expanduser() / name
    if not folder.exists():
        logging.info(
            "%d images are kept as shards in %s, which takes a while once",
            preparation.num_examples,
            folder,
        )
    prepare(preparation, str(folder))
    shards = Shards(str(folder))
    before = np.arange(preparation.num_examples)
    check_classes_left(preparation.importer, before, shards.labels)
    return shards
