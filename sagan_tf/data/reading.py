"""Images out of an importer, by several threads and in order."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import numpy as np
from absl import logging

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.framing import Framing, TooSmallError
from sagan_tf.data.importer import Importer
from sagan_tf.errors import UserError, printable

# Images worked on between two looks at the results.
_PIECE = 256


def read_framed(
    importer: Importer, index: int, framing: Framing
) -> tuple[np.ndarray, int]:
    """Returns an image of the asked size, uint8, and its label.

    Raises:
        UnreadableError: if it is broken; it says where.
        UserError: if it is too small; likewise.
    """
    try:
        image, label = importer.read(index)
        return framing(image), label
    except UnreadableError as error:
        where = printable(importer.where(index))
        raise UnreadableError(f"cannot read {where}: {error}") from error
    except TooSmallError as error:
        where = importer.where(index)
        raise UserError(f"{where} is too small: {error}") from error


def readable(
    work: Callable[[int], Any],
    indices: np.ndarray,
    on_unreadable: str,
    threads: int = 0,
) -> Iterator[tuple[int, Any]]:
    """Yields each number and what work gives for it, where that can be read.

    Args:
        work: takes a number, and may raise `UnreadableError`. It is called by
            several threads: decoders and encoders leave the interpreter lock.
        indices: the numbers.
        on_unreadable: `"refuse"` them all, or `"skip"` with a warning.
        threads: how many work at once; 0 for one on each core.

    Raises:
        UserError: at the end, if some cannot be read and are not skipped.
    """
    broken = []
    for index, result in _in_order(work, indices, threads):
        if not isinstance(result, UnreadableError):
            yield index, result
            continue
        broken.append(str(result))
        if on_unreadable == "skip":
            logging.warning("%s; skipped", result)
    if broken and on_unreadable == "refuse":
        others = f" ({len(broken)} such files)" if broken[1:] else ""
        raise UserError(
            f"{broken[0]}{others}. Remove it, or set `on_unreadable` to skip"
        )
    if broken:
        logging.warning("skipped unreadable files: %d", len(broken))


def _in_order(
    work: Callable[[int], Any], indices: np.ndarray, threads: int
) -> Iterator[tuple[int, Any]]:
    def attempt(index: int) -> Any:
        try:
            return work(index)
        except UnreadableError as error:
            return error

    # Going on in pieces keeps what is finished from piling up.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for start in range(0, len(indices), _PIECE):
            piece = indices[start : start + _PIECE].tolist()
            yield from zip(piece, pool.map(attempt, piece))


def check_classes_left(
    importer: Importer, before: np.ndarray, left: np.ndarray
) -> None:
    """Refuses data of which no image, or none of a class, can be read.

    Raises:
        UserError: if `left`, labels, lack one that images `before` have.
    """
    if not len(left):
        raise UserError(f"no image in {importer.root} is readable")
    if importer.labels is not None and importer.class_names:
        lost = np.setdiff1d(importer.labels[before], left)
        if len(lost):
            name = importer.class_names[lost[0]]
            raise UserError(f"no image of the class {name} is readable")
