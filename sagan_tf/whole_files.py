"""Files and directories that appear when they are whole."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import shutil
from typing import Iterator


@contextlib.contextmanager
def beside(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Gives a name in the same directory that nobody else has.

    The number of the process would not do: containers that share a directory
    all count from 1. `tempfile` would keep the file from all other users.

    Args:
        path: a file or a directory.

    Yields:
        The name, `NAME.DIGITS.tmp`; what is there at the end is removed.
    """
    path = pathlib.Path(path)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield aside
    finally:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Gives a name to write to, and moves what was written to `path`.

    Args:
        path: the file to write or to replace, or a directory that is new or
            empty; what was there before stays if writing fails.

    Yields:
        The name to write to.
    """
    with beside(path) as aside:
        yield aside
        os.replace(aside, path)
