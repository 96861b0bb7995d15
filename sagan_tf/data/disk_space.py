"""Whether there is room for what is about to be written."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.reading import read_framed
from sagan_tf.data.shard_writing import encode
from sagan_tf.errors import UserError

if TYPE_CHECKING:
    from sagan_tf.data.sharding import Preparation

# Images that tell how large all become.
_SAMPLE = 8


def check_space(preparation: Preparation, folder: Path, left: int) -> None:
    """Refuses a disk on which the images that are left have no room.

    How large they become is told by a few of them.

    Raises:
        UserError: if it has too little space.
    """
    some = np.linspace(0, preparation.num_examples - 1, _SAMPLE).astype(int)
    sizes = []
    for index in np.unique(some).tolist():
        # A broken image is named, or skipped, when its turn comes.
        with contextlib.suppress(UnreadableError, UserError):
            importer, framing = preparation.importer, preparation.framing
            pixels, _ = read_framed(importer, index, framing)
            sizes.append(len(encode(pixels, importer.origin(index))))
    needed = left * np.mean(sizes or [0])
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"shards of {left:,} images take about {needed / 2**20:,.0f} MiB: "
            f"{folder} has {free / 2**20:,.0f} MiB left"
        )
