"""Whether a checkpoint's directory is whole, and on the disk."""

from __future__ import annotations

import json
import os
import pathlib

_MANIFEST = "manifest.json"


def write_manifest(directory: pathlib.Path, step: int) -> None:
    """Lists the size of every file, for `is_whole`."""
    sizes = {
        path.name: path.stat().st_size for path in sorted(directory.iterdir())
    }
    manifest = {"step": step, "sizes": sizes}
    (directory / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def is_whole(directory: pathlib.Path) -> bool:
    """Returns whether every file that the manifest lists has its size."""
    try:
        sizes = json.loads((directory / _MANIFEST).read_text())["sizes"]
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
