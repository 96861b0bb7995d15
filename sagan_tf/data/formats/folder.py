"""The user's own images: a folder, or a .zip or .tar of one."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Sequence

import numpy as np
from absl import logging

from sagan_tf.data import decoding
from sagan_tf.data.importer import Importer, Sample
from sagan_tf.data.listing import in_words, list_images
from sagan_tf.data.trees import open_tree
from sagan_tf.errors import printable


class Folder(Importer):
    """Images below a folder; `sagan_tf.data.listing` says which.

    Args:
        path: the folder, .zip or .tar.
        label_key: column of a table of labels, if there is one.
        class_order: names of the classes in the order of the labels, as a run
            began with them; empty for a run that is older than its list of
            names, None for a new one.
        num_classes: 0 for an unconditional run, where no order matters.

    Raises:
        UserError: if there is no such folder, or no image where one should be.
    """

    class_word = "class folder"

    def __init__(
        self,
        path: str,
        label_key: str = "",
        class_order: Sequence[str] | None = None,
        num_classes: int | None = None,
    ) -> None:
        self._tree = open_tree(path)
        listing = list_images(self._tree, label_key)
        self._names, self.left_out = listing.names, listing.left_out
        self._table = listing.table
        _say_left_out(self._tree.root, in_words(listing.left_out))
        names = listing.class_names
        order = _ordered(names, () if num_classes == 0 else class_order)
        self._in_text_order = order == list(names)
        numbers = np.array([order.index(name) for name in names] or [0])
        super().__init__(
            "folder",
            self._tree.root,
            len(listing.names),
            [printable(name) for name in order],
            numbers[listing.labels].astype(np.int32),
        )

    def identity(self) -> str:
        """Returns a digest of the names and sizes of the files.

        What gives them other labels than their names do is part of it.
        """
        words = f"folder {self._digest}"
        return words if self._in_text_order else f"{words}, classes by number"

    @functools.cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name in sorted(self._names, key=lambda n: n.split("/")):
            size = self._tree.size(name)
            digest.update(os.fsencode(f"{name}\0{size}\0"))
        if self._table:
            digest.update(np.ascontiguousarray(self.labels))
        return digest.hexdigest()[:12]

    @functools.cached_property
    def num_bytes(self) -> int:
        """Bytes of all files."""
        return sum(self._tree.size(name) for name in self._names)

    def stored_in(self) -> list[str]:
        """Returns the files on the disk."""
        return self._tree.files(self._names)

    def origin(self, index: int) -> str:
        """Returns the file's name below the folder."""
        return self._names[index]

    def where(self, index: int) -> str:
        """Returns the file's place."""
        return self._tree.where(self._names[index])

    def encoded(self, index: int) -> bytes:
        """Returns the file.

        Raises:
            UnreadableError: if it cannot be read.
        """
        return self._tree.read(self._names[index])

    def read(self, index: int) -> Sample:
        """Returns an image and its label."""
        image = decoding.decode(self.encoded(index))
        return Sample(image, int(self.labels[index]))

    def shape(self, index: int) -> tuple[int, int]:
        """Returns width and height, which the file's start says."""
        return decoding.describe(self.encoded(index))[2]


def _ordered(names: Sequence[str], known: Sequence[str] | None) -> list[str]:
    """Returns class names in the order of their labels.

    That is how a run knows them, else the order of numbers where all are
    numbers, else that of text.
    """
    if known is None and all(name.isdecimal() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    by_printed = {printable(name): name for name in names}
    if known and set(known) == set(by_printed):
        return [by_printed[name] for name in known]
    return list(names)


@functools.lru_cache(maxsize=None)
def _say_left_out(root: str, words: str) -> None:
    """Says it once, however often the folder is opened."""
    if words:
        logging.warning("left out of %s: %s", printable(root), words)
