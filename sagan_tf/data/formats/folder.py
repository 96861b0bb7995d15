"""The user's own images: one folder a class, or one without classes."""

from __future__ import annotations

import hashlib
import itertools
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sagan_tf.data import decoding
from sagan_tf.data.importer import Importer, Sample, existing
from sagan_tf.errors import UserError

_ENDINGS = (".png", ".jpg", ".jpeg")


class Folder(Importer):
    """A folder of PNG and JPEG files; `list_folder` says which.

    Args:
        path: the folder.

    Raises:
        UserError: if there is no such folder, or no image where one should be.
    """

    class_word = "class folder"

    def __init__(self, path: str) -> None:
        listing = list_folder(path)
        self._paths = listing.paths
        super().__init__(
            "folder",
            os.path.expanduser(path),
            len(listing.paths),
            listing.class_names,
            listing.labels,
        )

    def identity(self) -> str:
        """Returns a digest of the names and sizes of the files."""
        digest = hashlib.sha256()
        for file in sorted(self._paths):
            name = os.path.relpath(file, self.root)
            digest.update(os.fsencode(f"{name}\0{_size(file)}\0"))
        return f"folder {digest.hexdigest()[:12]}"

    def origin(self, index: int) -> str:
        """Returns the file's name below the folder."""
        return os.path.relpath(self._paths[index], self.root)

    def read(self, index: int) -> Sample:
        """Returns an image and its label."""
        image = decoding.decode(self._paths[index])
        return Sample(image, int(self.labels[index]))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        # A dead link is skipped or refused when its turn comes.
        return -1


class Listing(NamedTuple):
    """Files, their labels, and the names of the classes."""

    paths: list[Path]
    labels: np.ndarray
    class_names: tuple[str, ...]


def list_folder(path: str) -> Listing:
    """Returns the PNG and JPEG files of a folder in a fixed mixed order.

    Sub-folders are classes, numbered in the order of their names; a folder of
    nothing but files has none. Names that start with a dot are left out. The
    order depends on the names alone, and the first few are a fair sample.

    Raises:
        UserError: if there is no such folder, no image in it or in one of its
            class folders, or images beside class folders.
    """
    folder = Path(existing(path, "folder", "folder"))
    try:
        return _mix(_list(folder))
    except OSError as error:
        raise UserError(f"cannot list {folder}: {error}") from error


def _list(folder: Path) -> Listing:
    entries = [e for e in folder.iterdir() if not e.name.startswith(".")]
    classes = sorted(entry for entry in entries if entry.is_dir())
    loose = _images(folder)
    if not classes:
        if not loose:
            raise UserError(f"there is no PNG or JPEG file in {folder}")
        return Listing(loose, np.zeros(len(loose), np.int32), ())
    if loose:
        raise UserError(
            f"{folder} should hold images or class folders, not both: found "
            f"{loose[0].name} beside {classes[0].name}/"
        )
    files = [_images(directory) for directory in classes]
    for directory, found in zip(classes, files):
        if not found:
            raise UserError(
                f"there is no PNG or JPEG file in the class folder {directory}"
            )
    labels = np.repeat(np.arange(len(classes)), [len(f) for f in files])
    names = tuple(directory.name for directory in classes)
    return Listing(
        list(itertools.chain(*files)), labels.astype(np.int32), names
    )


def _images(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in _ENDINGS
        and not entry.name.startswith(".")
        and not entry.is_dir()
    )


def _mix(listing: Listing) -> Listing:
    # `RandomState` promises the same numbers in every release of NumPy.
    order = np.random.RandomState(0).permutation(len(listing.paths))
    paths = [listing.paths[index] for index in order]
    return listing._replace(paths=paths, labels=listing.labels[order])
