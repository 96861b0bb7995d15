"""The picture files of a folder and the classes they belong to."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sagan_tf.errors import UserError

_SUFFIXES = (".png", ".jpg", ".jpeg")


class Listing(NamedTuple):
    """Files, their labels, and the names of the classes."""

    paths: list[Path]
    labels: np.ndarray
    class_names: tuple[str, ...]


def list_folder(path: str) -> Listing:
    """Return the PNG and JPEG files of a folder in a fixed mixed order.

    Sub-folders are classes, numbered in the order of their names; a folder of
    nothing but files has none. Names that start with a dot are left out. The
    order depends on the names alone, and the first few are a fair sample.

    Raises:
        UserError: if there is no such folder, no picture in it or in one of
            its class folders, or pictures beside class folders.
    """
    folder = _existing(path)
    try:
        return _mix(_list(folder))
    except OSError as error:
        raise UserError(f"cannot list {folder}: {error}.") from error


def _existing(path: str) -> Path:
    if not path:
        raise UserError(
            "`path` of data set `folder` should name a folder. Received: ''."
        )
    folder = Path(path).expanduser()
    if not folder.is_dir():
        kind = "a file" if folder.exists() else "nothing"
        raise UserError(
            f"`path` should name a folder: there is {kind} at {folder}."
        )
    return folder


def _list(folder: Path) -> Listing:
    entries = [e for e in folder.iterdir() if not e.name.startswith(".")]
    classes = sorted(entry for entry in entries if entry.is_dir())
    loose = _pictures(folder)
    if not classes:
        if not loose:
            raise UserError(f"there is no PNG or JPEG file in {folder}.")
        return Listing(loose, np.zeros(len(loose), np.int32), ())
    if loose:
        raise UserError(
            f"{folder} should hold pictures or class folders, not both: "
            f"found {loose[0].name} beside {classes[0].name}/."
        )
    files = [_pictures(directory) for directory in classes]
    for directory, found in zip(classes, files):
        if not found:
            raise UserError(
                f"there is no PNG or JPEG file in the class folder {directory}."
            )
    labels = np.repeat(np.arange(len(classes)), [len(f) for f in files])
    names = tuple(directory.name for directory in classes)
    return Listing(
        list(itertools.chain(*files)), labels.astype(np.int32), names
    )


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in _SUFFIXES
        and not entry.name.startswith(".")
        and not entry.is_dir()
    )


def _mix(listing: Listing) -> Listing:
    # `RandomState` promises the same numbers in every release of NumPy.
    order = np.random.RandomState(0).permutation(len(listing.paths))
    paths = [listing.paths[index] for index in order]
    return listing._replace(paths=paths, labels=listing.labels[order])
