"""Weights that come with the package: which there are, and where they lie.

Each is a small workdir, as `tools.make_pretrained` writes it: `card.json`,
`config.json`, `classes.json`, `scores.csv` and a checkpoint that holds the
averaged generator and the discriminator alone.
"""

from __future__ import annotations

import os
import pathlib

from sagan_tf import storage
from sagan_tf.errors import UserError, nearest_name

# Begins what names such a workdir where that of a run could be.
PREFIX = "pretrained:"
DIRECTORY = pathlib.Path(__file__).parent


def names() -> list[str]:
    """Returns the names of the weights that come with the package."""
    return sorted(path.parent.name for path in DIRECTORY.glob("*/card.json"))


def directory(name: str) -> pathlib.Path:
    """Returns the workdir of a name.

    Raises:
        UserError: if there are no such weights.
    """
    known = names()
    if name not in known:
        raise UserError(
            f"pretrained weights should be {' or '.join(known) or 'there'}. "
            f"Received: {name!r}{nearest_name(name, known)}"
        )
    return DIRECTORY / name


def resolve(workdir: storage.PathLike) -> storage.AnyPath:
    """Returns the directory of a run.

    Args:
        workdir: the directory, or `pretrained:NAME`.

    Raises:
        UserError: if there are no such weights.
    """
    text = os.fspath(workdir)
    if text.startswith(PREFIX):
        return directory(text.removeprefix(PREFIX))
    return storage.at(text)
