"""Whether a checkpoint's directory is whole, and on the disk."""

from __future__ import annotations

import json
import os
import pathlib

from sagan_tf import storage
from sagan_tf.whole_files import MANIFEST


def write_manifest(directory: storage.AnyPath, step: int) -> None:
    """Lists the size of every file, for `is_whole`."""
    files = filter(lambda path: path.is_file(), sorted(directory.iterdir()))
    sizes = {path.name: path.stat().st_size for path in files}
    manifest = {"step": step, "sizes": sizes}
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def is_whole(directory: storage.AnyPath) -> bool:
    """Returns whether every file that the manifest lists has its size."""
    try:
        sizes = json.loads((directory / MANIFEST).read_text())["sizes"]
        return all(
            (directory / name).stat().st_size == size
            for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def flush(directory: pathlib.Path) -> None:
    """Waits until a directory's files are on the disk, not only in memory."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    flush_directory(directory)


def flush_directory(directory: pathlib.Path) -> None:
    """Waits until what a directory lists is on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
