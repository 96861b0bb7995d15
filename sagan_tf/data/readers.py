"""What every shape of the user's own data has in common: pictures by number.

A reader knows no TensorFlow, so that processes that only prepare pictures
start at once, and it can be sent to them.
"""

from __future__ import annotations

import importlib
import os
from typing import NamedTuple, Sequence

import numpy as np
from PIL import Image

from sagan_tf.errors import UserError, nearest_name


class Example(NamedTuple):
    """An RGB picture of any size, and its label; 0 if there are no classes."""

    image: Image.Image
    label: int


class Reader:
    """Numbered pictures that can be read in any order, by several processes.

    Args:
        name: name of the shape, such as `"folder"`.
        root: the file or directory that holds them.
        class_names: a name for each class; empty if there are no labels.
        labels: `(num_examples,)` int32, if they are known without reading.
        shard_sizes: numbers of pictures that lie together in a file each.
        slow_because: why reading in any order is slow; empty if it is not.
    """

    # What a class is where the pictures are, for errors.
    class_word = "class"

    def __init__(
        self,
        *,
        name: str,
        root: str | os.PathLike[str],
        class_names: Sequence[str],
        labels: np.ndarray | None = None,
        shard_sizes: Sequence[int] = (),
        slow_because: str = "",
    ) -> None:
        self.name = name
        self.root = str(root)
        self.class_names = tuple(class_names)
        self.labels = labels
        self.shard_sizes = tuple(shard_sizes)
        self.slow_because = slow_because

    def __len__(self) -> int:
        """Return the number of pictures."""
        raise NotImplementedError

    def identity(self) -> str:
        """Return words that tell these pictures from others, anywhere."""
        raise NotImplementedError

    def source(self, index: int) -> str:
        """Return a short name of a picture, the same on every machine."""
        raise NotImplementedError

    def where(self, index: int) -> str:
        """Return where a picture is, for an error."""
        return os.path.join(self.root, self.source(index))

    def read(self, index: int) -> Example:
        """Return a picture.

        Raises:
            UnreadableError: if it is broken.
            UserError: if its label is.
        """
        raise NotImplementedError

    def _checked_label(self, index: int, label: int, hint: str = "") -> int:
        """Return a label if it is one of the classes."""
        if self.class_names and not 0 <= label < len(self.class_names):
            raise UserError(
                f"{self.where(index)} has the label {label}: expected 0 to "
                f"{len(self.class_names) - 1}{hint}."
            )
        return int(label)


class _Opener(NamedTuple):
    """Where a reader is made, and which options it takes."""

    module: str
    function: str
    takes: tuple[str, ...]


READERS = {
    "folder": _Opener("sagan_tf.data.folder", "FolderReader", ()),
    "shards": _Opener("sagan_tf.data.shards", "ShardsReader", ()),
    "hdf5": _Opener("sagan_tf.data.hdf5", "Hdf5Reader", ()),
    "improved_gan": _Opener(
        "sagan_tf.data.improved_gan", "ImprovedGanReader", ("label_offset",)
    ),
    "tfds": _Opener(
        "sagan_tf.data.tfds",
        "open_tfds",
        ("dataset", "split", "label_key", "download"),
    ),
}
# What `open_reader` takes beside its path, and what leaves it unused.
UNUSED = {
    "split": "train",
    "label_key": "",
    "label_offset": 0,
    "download": False,
}


def has_reader(name: str) -> bool:
    """Return whether a data set is read from files of the user."""
    return name.partition(":")[0] in READERS


def open_reader(
    name: str,
    *,
    path: str,
    num_classes: int | None = None,
    **options: object,
) -> Reader:
    """Open data of one of the five shapes.

    Args:
        name: folder, shards, hdf5, improved_gan or tfds:NAME[/config].
        path: where they are.
        num_classes: as in `open_dataset`.
        **options: those of `UNUSED` that are given.

    Raises:
        UserError: if the data cannot be used or hold no picture, or an option
            has no meaning.
    """
    shape, colon, dataset = name.partition(":")
    opener = READERS.get(shape)
    if opener is None or bool(colon) != (shape == "tfds"):
        hint = nearest_name(shape, READERS)
        raise UserError(
            "`name` of the data should be folder, shards, hdf5, improved_gan "
            f"or tfds:NAME. Received: {name!r}{hint}"
        )
    for key, value in options.items():
        if value != UNUSED[key] and key not in opener.takes:
            raise UserError(
                f"data set `{name}` has no `{key}` to choose: `{key}` should "
                f"be {UNUSED[key]!r}. Received: {value!r}."
            )
    given = {**UNUSED, **options, "dataset": dataset}
    function = getattr(importlib.import_module(opener.module), opener.function)
    reader = function(
        path=path,
        num_classes=num_classes,
        **{key: given[key] for key in opener.takes},
    )
    if not len(reader):
        raise UserError(
            f"data set `{name}` should hold a picture: {reader.root} has none."
        )
    return reader


def check_classes(reader: Reader, num_classes: int | None) -> None:
    """Refuse data that do not have the classes of a conditional run.

    Raises:
        UserError: if there is one class, or there are none or others.
    """
    names = reader.class_names
    if num_classes == 0:
        return
    if num_classes and not names:
        raise UserError(
            f"{reader.root} has no {_plural(reader.class_word)}, so "
            "`num_classes` should be 0 (unconditional). Received: "
            f"{num_classes}."
        )
    if len(names) == 1:
        raise UserError(
            f"{reader.root} has one {reader.class_word}, {names[0]}, where a "
            "conditional run needs two or more: set `num_classes` to 0 "
            "(unconditional)."
        )
    if num_classes and num_classes != len(names):
        raise UserError(
            f"{reader.root} has {len(names)} classes: `num_classes` should be "
            f"{len(names)} or 0. Received: {num_classes}."
        )


def _plural(word: str) -> str:
    return f"{word}es" if word.endswith("s") else f"{word}s"


def existing(path: str, name: str, kind: str) -> str:
    """Return a path with its `~` replaced, if there is something of that kind.

    Args:
        path: what the user gave.
        name: name of the data set.
        kind: `"file"` or `"folder"`.

    Raises:
        UserError: if there is not.
    """
    if not path:
        raise UserError(
            f"`path` of data set `{name}` should name a {kind}. Received: ''."
        )
    path = os.path.expanduser(path)
    found = os.path.isfile if kind == "file" else os.path.isdir
    if not found(path):
        other = "nothing"
        if os.path.exists(path):
            other = "a folder" if os.path.isdir(path) else "a file"
        raise UserError(
            f"`path` should name a {kind}: there is {other} at {path}."
        )
    return path
