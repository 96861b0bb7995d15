"""Images of any format written as shards: once, for all runs.

What is to be done is fixed before it starts and lies beside the shards until
the last one is there. Whoever starts again with the same goes on at the shard
where it stopped, whoever starts with something else is refused. The bytes
depend on the images and on the settings alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import functools
import json
from typing import Any, Iterator

import numpy as np
import tqdm
from absl import logging

from sagan_tf import storage
from sagan_tf.data.disk_space import check_space
from sagan_tf.data.formats.shards import FORMAT, read_index
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import Importer
from sagan_tf.data.reading import read_framed, readable
from sagan_tf.data.shard_writing import (
    encode,
    write_index,
    write_json,
    write_shard,
)
from sagan_tf.errors import UserError
from sagan_tf.progress import progress_bar

SHARD_SIZE = 2_048
_PROGRESS, _LOCK, _PLAN = ".progress", ".lock", "plan.json"


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What is made of which images.

    Attributes:
        importer: reads the images.
        framing: how images come to one size.
        num_examples: images to take, the first so many.
        on_unreadable: `"refuse"` or `"skip"`.
        shard_size: images in each file but the last.
        mixed: whether images are taken in a fixed mixed order, so that each
            shard is a fair sample; else in their own, as where that is slow.
        with_classes: whether labels are kept.
    """

    importer: Importer
    framing: Framing
    num_examples: int
    on_unreadable: str = "refuse"
    shard_size: int = SHARD_SIZE
    mixed: bool = True
    with_classes: bool = True

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """What tells this from other preparations, as JSON holds it."""
        names = self.importer.class_names if self.with_classes else ()
        return {
            "framing": self.framing.settings(),
            "shard_size": self.shard_size,
            "num_examples": self.num_examples,
            "on_unreadable": self.on_unreadable,
            "mixed": self.mixed and not self.importer.slow_because,
            "source": self.importer.identity(),
            "class_names": list(names),
        }

    @property
    def num_shards(self) -> int:
        """Number of files."""
        return -(-self.num_examples // self.shard_size)

    def file(self, number: int) -> str:
        """Returns the name of a shard."""
        return f"shard-{number:05d}-of-{self.num_shards:05d}.array_record"

    def indices(self, number: int) -> np.ndarray:
        """Returns the numbers of the images in a shard."""
        start = number * self.shard_size
        return self._order[start : start + self.shard_size]

    @functools.cached_property
    def _order(self) -> np.ndarray:
        if not self.settings["mixed"]:
            return np.arange(self.num_examples)
        # `RandomState` promises the same numbers in every release of NumPy.
        return np.random.RandomState(1).permutation(self.num_examples)


def prepare(preparation: Preparation, output: str, threads: int = 0) -> bool:
    """Writes the shards that are not there yet, and their index.

    Two programs may start at once: the second waits and finds all done. A
    store has no locks: there both write the same.

    Args:
        preparation: what is to be done.
        output: directory of the shards, which is made; or an address. There
            each shard comes from the directory for temporary files.
        threads: how many work at once; 0 for one on each core.

    Returns:
        Whether there was something to do.

    Raises:
        UserError: if the output holds something else or cannot be written, or
            an image cannot be used.
    """
    folder = storage.at(output)
    try:
        was_done = _is_done(preparation, folder)
        if not was_done:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder):
                was_done = _is_done(preparation, folder)
                if not was_done:
                    _write(preparation, folder, threads)
        # A kill may have come between the index and this.
        storage.remove_tree(folder / _PROGRESS)
        return not was_done
    except OSError as error:
        raise UserError(
            f"shards cannot be written to {output}: {error}"
        ) from error


def _write(
    preparation: Preparation, folder: storage.AnyPath, threads: int
) -> None:
    _begin(preparation, folder)
    _write_missing(preparation, folder, threads)
    numbers = range(preparation.num_shards)
    try:
        entries = {
            preparation.file(number): json.loads(
                _entry(folder, number).read_text("utf-8")
            )
            for number in numbers
        }
    except FileNotFoundError:
        # In a store another program may have come to the end before.
        if _is_done(preparation, folder):
            return
        raise
    write_index(folder, preparation.settings, entries)


def _is_done(preparation: Preparation, folder: storage.AnyPath) -> bool:
    index = read_index(folder)
    if index is not None:
        _check_same(folder, preparation.settings, index["settings"])
    return index is not None


@contextlib.contextmanager
def _locked(folder: storage.AnyPath) -> Iterator[None]:
    """Keeps other programs out of a directory; a killed one leaves no lock."""
    if storage.is_stored(folder):
        yield
        return
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logging.info("another program writes to %s: waiting", folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _begin(preparation: Preparation, folder: storage.AnyPath) -> None:
    """Fixes what is done, or finds what was fixed before."""
    plan = folder / _PROGRESS / _PLAN
    asked = {"format": FORMAT, **preparation.settings}
    if plan.is_file():
        _check_same(folder, asked, json.loads(plan.read_text("utf-8")))
        for path in folder.glob("*.tmp"):
            path.unlink()
        return
    # A kill may have come before the plan was there.
    others = {path.name for path in folder.iterdir()} - {_PROGRESS, _LOCK}
    if others:
        raise UserError(
            f"{folder} should be empty or hold this preparation. Received: a "
            f"directory with {sorted(others)[0]}"
        )
    plan.parent.mkdir(parents=True, exist_ok=True)
    write_json(plan, asked)


def _check_same(
    folder: storage.AnyPath, asked: dict[str, Any], found: dict[str, Any]
) -> None:
    """Refuses to go on with a preparation by other settings."""
    for name, value in asked.items():
        if value != found.get(name):
            there, here = (
                json.dumps(each)[:100] for each in (found.get(name), value)
            )
            raise UserError(
                f"{folder} holds a preparation with another {name}: {there} "
                f"there, {here} here; choose another directory"
            )


def _write_missing(
    preparation: Preparation, folder: storage.AnyPath, threads: int
) -> None:
    numbers = range(preparation.num_shards)
    missing = [n for n in numbers if not _entry(folder, n).is_file()]
    left = sum(len(preparation.indices(number)) for number in missing)
    total = preparation.num_examples
    if not storage.is_stored(folder):
        importer, framing = preparation.importer, preparation.framing
        check_space(importer, framing, total, left, folder)
    with progress_bar(total, initial=total - left) as bar:
        for number in missing:
            images = _images(preparation, number, threads, bar)
            entry = write_shard(folder / preparation.file(number), images)
            # The last thing that is written of a shard.
            write_json(_entry(folder, number), entry)


def _images(
    preparation: Preparation, number: int, threads: int, bar: tqdm.tqdm
) -> Iterator[tuple[bytes, int]]:
    """Yields the PNGs and labels of a shard."""
    importer, has_labels = preparation.importer, preparation.with_classes

    def work(index: int) -> tuple[bytes, int]:
        pixels, label = read_framed(importer, index, preparation.framing)
        png = encode(pixels, importer.origin(index))
        return png, label if has_labels else 0

    indices = preparation.indices(number)
    for _, image in readable(work, indices, preparation.on_unreadable, threads):
        yield image
        bar.update()


def _entry(folder: storage.AnyPath, number: int) -> storage.AnyPath:
    return folder / _PROGRESS / f"{number:05d}.json"
