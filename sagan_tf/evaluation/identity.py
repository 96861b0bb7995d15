"""Which pictures a data set holds, in a few words for the card."""

from __future__ import annotations

import hashlib
import os

from sagan_tf.data import ImageDataset
from sagan_tf.data.listing import list_folder


def describe_data(dataset: ImageDataset, path: str = "") -> str:
    """Return what tells these pictures from others.

    A folder is known by the names and sizes of its files, not by its place.

    Args:
        dataset: the opened data set.
        path: its folder, if it has one.
    """
    name = dataset.name
    if path:
        name += f" {folder_digest(path)}"
    size = f"{dataset.image_size}x{dataset.image_size}"
    return f"{name} {size}, {dataset.num_classes or 'no'} classes"


def folder_digest(path: str) -> str:
    """Return a digest of the names and sizes of the pictures in a folder."""
    digest = hashlib.sha256()
    root = os.path.expanduser(path)
    for file in sorted(list_folder(path).paths):
        name = os.path.relpath(file, root)
        digest.update(os.fsencode(f"{name}\0{os.path.getsize(file)}\0"))
    return digest.hexdigest()[:12]
