"""Files and directories that appear when they are whole."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
import shutil
import tempfile
import time
from typing import Any, Iterator

import numpy as np
from absl import logging

from sagan_tf import storage

# The file of a checkpoint that comes last: with it, the directory is whole.
MANIFEST = "manifest.json"
# What no program has written to for so long, a killed one left.
_OLD_SECONDS = 24 * 3600


@contextlib.contextmanager
def beside(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Gives a name in the same directory that nobody else has.

    The number of the process would not do: containers that share a directory
    all count from 1. `tempfile` would keep the file from all other users.

    Args:
        path: a file or a directory. Beside one in a store is the directory for
            temporary files.

    Yields:
        The name, `NAME.DIGITS.tmp`; what is there at the end is removed.
    """
    path = storage.at(path)
    if storage.is_stored(path):
        path = pathlib.Path(tempfile.gettempdir(), path.name)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield aside
    finally:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike[str], last: str = ""
) -> Iterator[pathlib.Path]:
    """Gives a name to write to, and moves what was written to `path`.

    Args:
        path: the file to write or to replace, or a directory that is new or
            empty; what was there before stays if writing fails.
        last: the file of a directory that comes last in a store, where nobody
            can move a directory.

    Yields:
        The name to write to, a file or directory of this machine.
    """
    path = storage.at(path)
    with beside(path) as aside:
        yield aside
        if storage.is_stored(path):
            storage.copy(aside, path, last)
        else:
            os.replace(aside, path)


@contextlib.contextmanager
def first(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Gives a name to write to, and moves it to `path` unless that is there.

    Args:
        path: a file that whoever is first writes.

    Yields:
        The name to write to, a file of this machine.
    """
    path = storage.at(path)
    with beside(path) as aside:
        yield aside
        if isinstance(path, storage.StoredPath):
            if not path.exists():
                storage.copy(aside, path)
            return
        try:
            os.link(aside, path)
        except FileExistsError:
            logging.info("another process has written %s first", path)
        except OSError:
            # Some disks have no links.
            os.replace(aside, path)


def write_npz(
    path: str | os.PathLike[str], compressed: bool = False, **arrays: Any
) -> None:
    """Writes arrays as an NPZ file, which appears when it is whole.

    Args:
        path: the file to write or to replace; its directory is made.
        compressed: whether to compress, which takes long for large arrays.
        **arrays: what to write, by name.

    Raises:
        OSError: the file cannot be written; what was there before stays.
    """
    storage.at(path).parent.mkdir(parents=True, exist_ok=True)
    write = np.savez_compressed if compressed else np.savez
    # Given a name and no file, it would add an ending.
    with replacing(path) as aside, aside.open("wb") as file:
        write(file, **arrays)


def remove_abandoned(directory: str | os.PathLike[str]) -> None:
    """Removes what killed programs left below a directory.

    That is what has a name of `beside`, and nobody has written to for a day.
    """
    for folder, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = pathlib.Path(folder, name)
            # Others may remove it as well, or it is not ours to remove.
            with contextlib.suppress(OSError):
                if re.search(r"\.[0-9a-f]{16}\.tmp$", name) and _is_old(path):
                    if path.is_dir():
                        shutil.rmtree(path)
                    else:
                        path.unlink()


def _is_old(path: pathlib.Path) -> bool:
    """Returns whether neither a file nor what is in a folder is new."""
    latest = max(p.stat().st_mtime for p in (path, *path.rglob("*")))
    return time.time() - latest > _OLD_SECONDS
