"""The user's own pictures: one folder a class, or one without classes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np
from absl import logging

from sagan_tf.data.dataset import (
    ImageDataset,
    first_examples,
    resolve_classes,
)
from sagan_tf.data.listing import Listing, list_folder
from sagan_tf.data.pictures import (
    TooSmallError,
    UnreadableError,
    read_picture,
)
from sagan_tf.data.sources import (
    ArraySource,
    FunctionSource,
    Source,
    fits_in_memory,
)
from sagan_tf.errors import UserError

# Pictures read between two looks at the results; log lines every so many.
_PIECE = 256
_LOG_EVERY = 20 * _PIECE


def open_folder(
    *,
    path: str,
    image_size: int,
    num_classes: int | None = None,
    num_examples: int | None = None,
    on_unreadable: str = "refuse",
) -> ImageDataset:
    """Open a folder of PNG and JPEG files.

    Sub-folders are classes, numbered in the order of their names; a folder of
    nothing but files has none. Names that start with a dot are left out. The
    pictures are numbered in a fixed mixed order, so the first few are a fair
    sample. `sagan_tf.data.pictures.read_picture` says how each is cut.

    Every file is decoded once before this returns. Pictures that fit into a
    gigabyte (`sources.MEMORY_LIMIT`) then stay in memory; others are decoded
    again whenever they are wanted.

    Args:
        path: the folder.
        image_size: height and width in pixels.
        num_classes: the number of classes, or `None` for what there is; 0 for
            an unconditional run.
        num_examples: only the first so many.
        on_unreadable: `"refuse"` the folder if a file is no picture, or
            `"skip"` the file with a warning.

    Raises:
        UserError: if the folder does not fit, naming what does not.
    """
    if on_unreadable not in ("refuse", "skip"):
        raise UserError(
            "`on_unreadable` should be refuse or skip. Received: "
            f"{on_unreadable!r}."
        )
    listing = list_folder(path)
    _check_classes(path, listing, num_classes)
    count = first_examples("folder", len(listing.paths), num_examples)
    paths, labels = listing.paths[:count], listing.labels[:count]
    source = _verified_source(paths, labels, image_size, on_unreadable)
    return ImageDataset(
        source,
        name="folder",
        image_size=image_size,
        class_names=listing.class_names,
        num_classes=num_classes,
    )


def _check_classes(
    path: str, listing: Listing, num_classes: int | None
) -> None:
    names = listing.class_names
    if num_classes and not names:
        raise UserError(
            f"{path} has no class folders, so `num_classes` should be 0 "
            f"(unconditional). Received: {num_classes}."
        )
    if num_classes != 0 and len(names) == 1:
        raise UserError(
            f"{path} has one class folder, {names[0]}/, where a conditional "
            "run needs two or more: set `num_classes` to 0 (unconditional)."
        )
    resolve_classes("folder", names, num_classes)


def _verified_source(
    paths: Sequence[Path],
    labels: np.ndarray,
    image_size: int,
    on_unreadable: str,
) -> Source:
    """Decode every file once, and return a source of the readable ones."""
    in_memory = fits_in_memory(len(paths), image_size)
    kept: list[int] = []
    images: list[np.ndarray] = []
    unreadable: list[str] = []
    for index, result in enumerate(_read_all(paths, image_size)):
        if isinstance(result, TooSmallError):
            raise UserError(f"{paths[index]} is too small: {result}.")
        if isinstance(result, UnreadableError):
            unreadable.append(f"cannot read {paths[index]}: {result}")
            continue
        kept.append(index)
        if in_memory:
            images.append(result)
    _report_unreadable(unreadable, on_unreadable)
    _check_every_class_left(labels, labels[kept], paths)
    if in_memory:
        return ArraySource(np.stack(images), labels[kept])
    return _source_on_demand([paths[i] for i in kept], labels[kept], image_size)


def _read_all(
    paths: Sequence[Path], image_size: int
) -> Iterator[np.ndarray | Exception]:
    """Yield a picture or an error for each path, in order."""

    def read(path: Path) -> np.ndarray | Exception:
        try:
            return read_picture(path, image_size)
        except (TooSmallError, UnreadableError) as error:
            return error

    # Decoders work outside the interpreter lock. Going on in pieces keeps the
    # finished pictures of a large folder from piling up.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _PIECE):
            if start % _LOG_EVERY == 0:
                logging.info("checked %d of %d pictures", start, len(paths))
            yield from pool.map(read, paths[start : start + _PIECE])


def _report_unreadable(unreadable: Sequence[str], on_unreadable: str) -> None:
    if not unreadable:
        return
    if on_unreadable == "refuse":
        others = f" ({len(unreadable)} such files)" if unreadable[1:] else ""
        raise UserError(
            f"{unreadable[0]}{others}. Remove it, or set `on_unreadable` to "
            "skip."
        )
    for message in unreadable:
        logging.warning("%s; skipped", message)
    logging.warning("skipped unreadable files: %d", len(unreadable))


def _check_every_class_left(
    before: np.ndarray, after: np.ndarray, paths: Sequence[Path]
) -> None:
    lost = sorted(set(before.tolist()) - set(after.tolist()))
    if lost:
        example = paths[int(np.argmax(before == lost[0]))]
        raise UserError(f"no file in {example.parent} is readable.")


def _source_on_demand(
    paths: Sequence[Path], labels: np.ndarray, image_size: int
) -> FunctionSource:
    def load(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = [read_picture(paths[i], image_size) for i in indices]
        return np.stack(images), labels[indices]

    return FunctionSource(load, num_examples=len(paths), image_size=image_size)
