"""Data to time a pipeline with, prepared for the occasion."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from typing import Any, Iterator

import numpy as np
from PIL import Image

from sagan_tf.data import open_dataset
from sagan_tf.data.formats import open_importer
from sagan_tf.data.formats.twins import draw
from sagan_tf.data.framing import Framing
from sagan_tf.data.sharding import Preparation, prepare

# Levels by which pixels are changed, so that files are as large as those of
# photographs.
_NOISE = 24
_NUM_IMAGES = 512


@contextlib.contextmanager
def batches(
    image_size: int, batch_size: int
) -> Iterator[dict[str, Iterator[Any]]]:
    """Gives endless batches of drawn images and of prepared shards.

    Images have `image_size` pixels a side. Shards are read and decoded for
    each batch, as those of a large set are; the operating system may keep the
    files in memory.
    """
    with tempfile.TemporaryDirectory() as directory:
        sets = {
            "twins": open_dataset(
                "twins",
                image_size=image_size,
                num_classes=10,
                num_examples=max(64, batch_size),
            ),
            "shards": open_dataset(
                "shards",
                path=_prepare(pathlib.Path(directory), image_size),
                image_size=image_size,
                cache="none",
            ),
        }
        yield {
            name: iter(each.training_batches(batch_size, seed=0))
            for name, each in sets.items()
        }


def _prepare(root: pathlib.Path, image_size: int) -> str:
    """Writes noisy images and their shards; returns where these are."""
    images, labels = draw(np.arange(_NUM_IMAGES), image_size=image_size)
    noise = np.random.default_rng(0).integers(-_NOISE, _NOISE, images.shape)
    noisy = np.clip(images + noise, 0, 255).astype(np.uint8)
    for number, (image, label) in enumerate(zip(noisy, labels)):
        path = root / "images" / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, compress_level=0)
    folder = open_importer("folder", path=str(root / "images"))
    preparation = Preparation(
        folder, Framing(image_size), folder.count, shard_size=64
    )
    prepare(preparation, str(root / "shards"), threads=1)
    return str(root / "shards")
