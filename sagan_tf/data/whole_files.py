"""Files that appear when they are whole, whoever else writes them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
from typing import Iterator


@contextlib.contextmanager
def beside(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Give a name in the same directory that nobody else has.

    The number of the process would not do: containers that share a directory
    all count from 1. `tempfile` would keep the file from all other users.

    Args:
        path: a file.

    Yields:
        The name, `NAME.DIGITS.tmp`; what is there at the end is removed.
    """
    path = pathlib.Path(path)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield aside
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Give a name to write to, and move what was written to `path`.

    Args:
        path: the file to write or to replace; what was there before stays if
            writing fails.

    Yields:
        The name to write to.
    """
    with beside(path) as aside:
        yield aside
        os.replace(aside, path)
