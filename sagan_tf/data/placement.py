"""Where decoded images are: in memory, in shards, or nowhere."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
from pathlib import Path

import numpy as np
from absl import logging

from sagan_tf import storage
from sagan_tf.data import stores
from sagan_tf.data.channels import from_rgb
from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.formats.shards import Shards
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import DrawnImages, Importer, spread
from sagan_tf.data.reading import check_classes_left, read_framed, readable
from sagan_tf.data.shard_writing import write_json
from sagan_tf.data.sharding import Preparation, prepare
from sagan_tf.errors import UserError
from sagan_tf.user_cache import default_cache_dir, local_copy
from sagan_tf.whole_files import remove_abandoned

# A set whose decoded images take no more bytes than this is held in memory.
MEMORY_LIMIT = 2**30
# Images that are decoded before training where all would take too long.
_SAMPLE = 256
# Bytes of files that are rather decoded at every start than kept decoded.
_QUICKLY_DECODED = 2**26


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
    fits = count * math.prod(framing.shape) <= MEMORY_LIMIT
    if isinstance(importer, DrawnImages):
        return _drawn(importer, count, framing, fits)
    quick = importer.num_bytes <= _QUICKLY_DECODED
    if cache == "memory" or (fits and not cache and quick):
        return _held(importer, count, framing, on_unreadable)
    if cache == "none" or _are_ready(importer, framing, cache):
        return _on_demand(importer, count, framing, on_unreadable)
    preparation = Preparation(
        importer, framing, count, on_unreadable, mixed=False
    )
    shards = _cached(preparation, cache)
    keep = _held if fits else _on_demand
    # They are cut out already.
    framing = dataclasses.replace(framing, crop=0)
    return keep(shards, shards.count, framing, "refuse")


def _are_ready(importer: Importer, framing: Framing, cache: str) -> bool:
    """Returns whether images are shards that need not be written again."""
    if not isinstance(importer, Shards):
        return False
    there = importer.image_size, importer.channels
    return not cache or there == (framing.image_size, framing.channels)


def _drawn(
    importer: DrawnImages, count: int, framing: Framing, fits: bool
) -> stores.ImageStore:
    if not isinstance(framing.image_size, int):
        raise UserError(
            f"`image_size` of {importer.name} should be one number, as its "
            f"images are squares. Received: {framing.image_size}"
        )
    if framing.image_size < importer.smallest_size:
        raise UserError(
            f"`image_size` of {importer.name} should be at least "
            f"{importer.smallest_size}. Received: {framing.image_size}"
        )

    def draw(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, labels = importer.draw(indices, framing.image_size)
        return from_rgb(images, framing.channels), labels

    if fits:
        return stores.held(*draw(np.arange(count)))
    return stores.on_demand(draw, framing.shape, count)


def _held(
    importer: Importer, count: int, framing: Framing, on_unreadable: str
) -> stores.ImageStore:
    indices = np.arange(count)
    images, labels = np.empty((count, *framing.shape), np.uint8), []
    numbers = []
    for number, (pixels, label) in readable(
        lambda index: read_framed(importer, index, framing),
        indices,
        on_unreadable,
    ):
        images[len(labels)] = pixels
        labels.append(label)
        numbers.append(number)
    check_classes_left(importer, indices, np.array(labels))
    return stores.held(
        images[: len(labels)],
        np.array(labels),
        lambda index: importer.origin(numbers[index]),
    )


def _on_demand(
    importer: Importer, count: int, framing: Framing, on_unreadable: str
) -> stores.ImageStore:
    """Returns images that are decoded whenever they are wanted.

    All of a folder are tried before, of other formats a sample unless what is
    broken is to be skipped.
    """
    if importer.slow_because:
        raise UserError(
            f"{importer.slow_because}, too slow to train from: set `cache` to "
            "a directory, or prepare it with tools.prepare_dataset"
        )
    tried = np.arange(count)
    if importer.name != "folder" and on_unreadable == "refuse":
        tried = spread(count, _SAMPLE)
    broken = _broken(importer, tried, framing, on_unreadable)
    numbers = np.setdiff1d(np.arange(count), broken)

    def load(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            found = [
                read_framed(importer, index, framing)
                for index in numbers[indices].tolist()
            ]
        except UnreadableError as error:
            raise UserError(str(error)) from error
        images, labels = zip(*found)
        return np.stack(images), np.array(labels, np.int32)

    labels = importer.labels
    return stores.on_demand(
        load,
        framing.shape,
        len(numbers),
        None if labels is None else labels[numbers],
        lambda index: importer.origin(int(numbers[index])),
    )


def _broken(
    importer: Importer,
    tried: np.ndarray,
    framing: Framing,
    on_unreadable: str,
) -> list[int]:
    """Returns the numbers of images that cannot be read, among some.

    They are tried once; what came out is noted in the user's cache, for these
    files as long as their names, sizes and times stay.
    """
    asked = importer.stamp(), len(tried), str(framing), on_unreadable
    name = hashlib.sha256(repr(asked).encode()).hexdigest()[:16]
    note = Path(default_cache_dir()) / "tried" / f"{name}.json"
    with contextlib.suppress(OSError, ValueError):
        broken = json.loads(note.read_text())
        if broken:
            logging.warning("skipped unreadable files: %d", len(broken))
        return broken
    found = {
        index: label
        for index, (_, label) in readable(
            lambda index: read_framed(importer, index, framing),
            tried,
            on_unreadable,
        )
    }
    check_classes_left(importer, tried, list(found.values()))
    broken = np.setdiff1d(tried, list(found)).tolist()
    # A note that cannot be kept costs time alone.
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        write_json(note, broken)
    return broken


def _cached(preparation: Preparation, directory: str) -> Shards:
    """Returns the shards that a directory keeps, which are written once.

    Without a directory it is one of the user. From a store they are copied.
    """
    # By the files' times as well, which are no part of what images they are.
    words = json.dumps(preparation.settings) + preparation.importer.stamp()
    name = hashlib.sha256(words.encode()).hexdigest()[:16]
    root = storage.at(directory or Path(default_cache_dir(), "images"))
    folder = root.expanduser() / name
    if isinstance(folder, Path):
        remove_abandoned(folder.parent)
    if not folder.exists():
        logging.info(
            "%d images are kept as shards in %s, which takes a while once",
            preparation.num_examples,
            folder,
        )
    try:
        prepare(preparation, str(folder))
    except UserError as error:
        raise UserError(f"{error}; `cache` may name another place") from error
    shards = Shards(local_copy(folder))
    before = np.arange(preparation.num_examples)
    check_classes_left(preparation.importer, before, shards.labels)
    return shards
