"""Where decoded images are read from by number: memory, or a function."""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np
import tensorflow as tf

from sagan_tf.data.channels import MODES

Load = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _numbered(index: int) -> str:
    return f"image {index}"


@dataclasses.dataclass(frozen=True)
class ImageStore:
    """Numbered images and their labels, read by number in any order.

    Attributes:
        load: takes numbers, `(batch,)` int64, and returns images `(batch,
            height, width, channels)` uint8 and labels `(batch,)` int32. It is
            called in the graph of a `tf.data` map, on several batches at once,
            and has no state.
        num_examples: number of images.
        labels: `(num_examples,)`, if they are known without reading.
        origin: gives a name by which the user knows an image.
        in_memory: whether nothing is left to be decoded.
    """

    load: Load
    num_examples: int
    labels: np.ndarray | None = None
    origin: Callable[[int], str] = _numbered
    in_memory: bool = False


def held(
    images: np.ndarray,
    labels: np.ndarray,
    origin: Callable[[int], str] = _numbered,
) -> ImageStore:
    """Returns images held in memory.

    Args:
        images: `(num_examples, height, width, channels)` uint8, with 1, 3 or
            4 channels.
        labels: `(num_examples,)` integers.
        origin: as in `ImageStore`.
    """
    has_channels = images.ndim == 4 and images.shape[-1] in MODES
    if not has_channels or images.dtype != np.uint8:
        raise ValueError(
            "`images` should be uint8 of shape (num_examples, height, "
            "width, 1 or 3 or 4). Received: "
            f"{images.dtype} of shape {images.shape}"
        )
    if len(images) != len(labels):
        raise ValueError(
            "`labels` should be as many as `images`. Received: "
            f"{len(labels)} labels, {len(images)} images"
        )
    labels = np.asarray(labels, np.int32)
    pixels, numbers = tf.constant(images), tf.constant(labels)

    def load(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(pixels, indices), tf.gather(numbers, indices)

    return ImageStore(load, len(labels), labels, origin, in_memory=True)


def on_demand(
    function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    shape: tuple[int, int, int],
    num_examples: int,
    labels: np.ndarray | None = None,
    origin: Callable[[int], str] = _numbered,
) -> ImageStore:
    """Returns images that a Python function gives when they are wanted.

    Args:
        function: takes indices, a `(batch,)` int64 array, and returns images
            `(batch, *shape)` uint8 and labels `(batch,)` int32. It is called
            from several threads at once.
        shape: height, width and channels of the images.
        num_examples: number of images.
        labels: as in `ImageStore`.
        origin: as in `ImageStore`.
    """

    def load(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        indices = tf.cast(indices, tf.int64)
        images, labels = tf.numpy_function(
            function, [indices], (tf.uint8, tf.int32), stateful=False
        )
        images = tf.ensure_shape(images, (*indices.shape, *shape))
        return images, tf.ensure_shape(labels, indices.shape)

    return ImageStore(load, num_examples, labels, origin)
