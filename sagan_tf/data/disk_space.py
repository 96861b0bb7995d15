"""Whether there is room for what is about to be written."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import Importer, spread
from sagan_tf.data.reading import read_framed
from sagan_tf.data.shard_writing import encode
from sagan_tf.errors import UserError

# Images that tell how large all become.
_SAMPLE = 8


def check_space(
    importer: Importer, framing: Framing, count: int, left: int, folder: Path
) -> None:
    """Refuses a disk on which the images that are left have no room.

    How large they become is told by a few of them.

    Args:
        importer: reads the images.
        framing: how they come to one size.
        count: how many are taken, the first so many.
        left: how many of them are still to be written.
        folder: where.

    Raises:
        UserError: if it has too little space.
    """
    sizes = []
    for index in spread(count, _SAMPLE).tolist():
        # A broken image is named, or skipped, when its turn comes.
        with contextlib.suppress(UnreadableError, UserError):
            pixels, _ = read_framed(importer, index, framing)
            sizes.append(len(encode(pixels, importer.origin(index))))
    needed = left * np.mean(sizes or [0])
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"shards of {left:,} images take about {needed / 2**20:,.0f} MiB: "
            f"{folder} has {free / 2**20:,.0f} MiB left"
        )
