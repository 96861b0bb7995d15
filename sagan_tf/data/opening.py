"""From a reader to batches: decode once if it fits, or whenever wanted."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator, Sequence

import numpy as np
from absl import logging

from sagan_tf.data import sources
from sagan_tf.data.caching import cached_source
from sagan_tf.data.counts import first_examples
from sagan_tf.data.dataset import ImageDataset
from sagan_tf.data.pictures import Framing, TooSmallError, UnreadableError
from sagan_tf.data.readers import Reader, check_classes
from sagan_tf.data.service import ShardsSource
from sagan_tf.data.shards import ShardsReader
from sagan_tf.errors import UserError

# Pictures read between two looks at the results; log lines every so many.
_PIECE = 256
_LOG_EVERY = 20 * _PIECE
# Pictures that are decoded before training where all would take too long.
_SAMPLE = 256


def open_pictures(
    reader: Reader,
    *,
    framing: Framing,
    num_classes: int | None = None,
    num_examples: int | None = None,
    on_unreadable: str = "refuse",
    cache: str = "",
    served: bool = False,
) -> ImageDataset:
    """Make a data set of what a reader reads.

    Pictures that fit into a gigabyte (`sources.MEMORY_LIMIT`) are decoded once
    and held in memory. More are decoded whenever they are wanted: those of a
    folder after all have been tried, of the other shapes after a sample.

    Args:
        reader: an opened reader.
        framing: how pictures become squares.
        num_classes: the number of classes, or `None` for what there is; 0 for
            an unconditional run.
        num_examples: only the first so many.
        on_unreadable: `"refuse"` the data if a picture is broken, or `"skip"`
            it with a warning.
        cache: `"memory"` to hold all pictures whatever they take, `"none"` to
            hold none, or a directory to keep them decoded in.
        served: whether other machines are to read the pictures.

    Raises:
        UserError: if the data do not fit, naming what does not.
    """
    check_classes(reader, num_classes)
    count = first_examples(reader.name, len(reader), num_examples)
    fits = sources.fits_in_memory(count, framing.image_size)
    if cache not in ("", "memory", "none"):
        source = cached_source(
            cache,
            _settings(reader, framing, count, on_unreadable),
            count,
            framing.image_size,
            lambda: _readable(reader, range(count), framing, on_unreadable),
        )
    elif cache == "memory" or (fits and not cache):
        source = _held(reader, count, framing, on_unreadable)
    else:
        source = _on_demand(reader, count, framing, on_unreadable)
    if served:
        source = _served(reader, source, count, framing)
    return ImageDataset(
        source,
        name=reader.name,
        image_size=framing.image_size,
        class_names=reader.class_names,
        num_classes=num_classes,
        identity=lambda: _identity(reader, framing),
        shard_sizes=reader.shard_sizes,
    )


def _served(
    reader: Reader, source: sources.Source, count: int, framing: Framing
) -> ShardsSource:
    if not isinstance(reader, ShardsReader):
        raise UserError(
            f"data set `{reader.name}` cannot be read by other machines: with "
            "`service` prepare it as shards with tools.prepare_dataset."
        )
    return ShardsSource(reader, source, count, framing.image_size)


def _identity(reader: Reader, framing: Framing) -> str:
    """Words for the protocol card; the usual framing goes without."""
    unusual = [
        f"{name} {value}"
        for name, value, usual in (
            ("crop", framing.crop, 0),
            ("resize", framing.resize, "lanczos"),
        )
        if value != usual
    ]
    return ", ".join([reader.identity(), *unusual])


def _settings(
    reader: Reader, framing: Framing, count: int, on_unreadable: str
) -> str:
    classes = len(reader.class_names)
    return f"{reader.identity()} {classes} {framing} {count} {on_unreadable}"


def _held(
    reader: Reader, count: int, framing: Framing, on_unreadable: str
) -> sources.ArraySource:
    images, labels = [], []
    for _, image, label in _readable(
        reader, range(count), framing, on_unreadable
    ):
        images.append(image)
        labels.append(label)
    return sources.ArraySource(np.stack(images), np.array(labels, np.int32))


def _on_demand(
    reader: Reader, count: int, framing: Framing, on_unreadable: str
) -> sources.FunctionSource:
    if reader.slow_because:
        raise UserError(
            f"{reader.slow_because}, too slow to train from: set `cache` to a "
            "directory, or prepare it with tools.prepare_dataset."
        )
    tried = np.arange(count)
    if reader.name != "folder":
        tried = np.unique(
            np.linspace(0, count - 1, min(count, _SAMPLE)).astype(int)
        )
    good = [
        index for index, *_ in _readable(reader, tried, framing, on_unreadable)
    ]
    kept = np.arange(count)
    kept = kept[~np.isin(kept, np.setdiff1d(tried, good))]

    def load(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = [_read(reader, int(index), framing) for index in kept[indices]]
        images, labels = zip(*found)
        return np.stack(images), np.array(labels, np.int32)

    labels = None if reader.labels is None else reader.labels[kept]
    return sources.FunctionSource(
        load,
        num_examples=len(kept),
        image_size=framing.image_size,
        labels=labels,
    )


def _read(
    reader: Reader, index: int, framing: Framing
) -> tuple[np.ndarray, int]:
    """Return a square picture and its label.

    Raises:
        UserError: if it is broken or too small; it says where.
    """
    try:
        image, label = reader.read(index)
        return framing(image), label
    except (UnreadableError, TooSmallError) as error:
        raise _explained(reader, index, error) from error


def _explained(reader: Reader, index: int, error: Exception) -> UserError:
    if isinstance(error, TooSmallError):
        return UserError(f"{reader.where(index)} is too small: {error}.")
    return UserError(f"cannot read {reader.where(index)}: {error}.")


def _readable(
    reader: Reader,
    indices: Sequence[int] | np.ndarray,
    framing: Framing,
    on_unreadable: str,
) -> Iterator[tuple[int, np.ndarray, int]]:
    """Yield the number, the picture and the label of all that can be read.

    Raises:
        UserError: if one is too small, or if they cannot be read and are not
            to be skipped, or if that leaves a class empty.
    """
    unreadable: list[int] = []
    reason = ""
    for index, result in _attempts(reader, indices, framing):
        if isinstance(result, UnreadableError):
            error = _explained(reader, index, result)
            reason = reason or str(error).rstrip(".")
            unreadable.append(index)
            if on_unreadable == "skip":
                logging.warning("%s; skipped", str(error).rstrip("."))
        elif isinstance(result, TooSmallError):
            raise _explained(reader, index, result)
        else:
            yield (index, *result)
    if unreadable and on_unreadable == "refuse":
        others = f" ({len(unreadable)} such files)" if unreadable[1:] else ""
        raise UserError(
            f"{reason}{others}. Remove it, or set `on_unreadable` to skip."
        )
    if unreadable:
        logging.warning("skipped unreadable files: %d", len(unreadable))
        _check_every_class_left(reader, np.asarray(indices), unreadable)


def _attempts(
    reader: Reader, indices: Sequence[int] | np.ndarray, framing: Framing
) -> Iterator[tuple[int, tuple[np.ndarray, int] | Exception]]:
    """Yield what reading each picture gives, in order."""

    def attempt(index: int) -> tuple[np.ndarray, int] | Exception:
        try:
            image, label = reader.read(int(index))
            return framing(image), label
        except (TooSmallError, UnreadableError) as error:
            return error

    # Decoders work outside the interpreter lock. Going on in pieces keeps the
    # finished pictures of a large set from piling up.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(indices), _PIECE):
            if start % _LOG_EVERY == 0:
                logging.info("checked %d of %d pictures", start, len(indices))
            piece = indices[start : start + _PIECE]
            yield from zip(map(int, piece), pool.map(attempt, piece))


def _check_every_class_left(
    reader: Reader, indices: np.ndarray, unreadable: list[int]
) -> None:
    if reader.labels is None or not reader.class_names:
        if len(unreadable) == len(indices):
            raise UserError(f"no picture in {reader.root} is readable.")
        return
    before = reader.labels[indices]
    after = reader.labels[np.setdiff1d(indices, unreadable)]
    lost = np.setdiff1d(before, after)
    if len(lost):
        name = reader.class_names[lost[0]]
        raise UserError(f"no picture of the class {name} is readable.")
