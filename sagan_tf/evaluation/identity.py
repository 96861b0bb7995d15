"""Which pictures a data set holds, in a few words for the card."""

from __future__ import annotations

from sagan_tf.data import ImageDataset
from sagan_tf.data.formats.folder import Folder


def describe_data(dataset: ImageDataset) -> str:
    """Return what tells these pictures from others.

    Files are known by their names, sizes or checksums, not by their place.

    Args:
        dataset: the opened data set.
    """
    size = f"{dataset.image_size}x{dataset.image_size}"
    return f"{dataset.identity()} {size}, {dataset.num_classes or 'no'} classes"


def folder_digest(path: str) -> str:
    """Return a digest of the names and sizes of the pictures in a folder."""
    return Folder(path).identity().split()[-1]
