"""Where decoded images are read from by number: memory, or a function."""

from __future__ import annotations

import math
from typing import Callable, Protocol

import numpy as np
import tensorflow as tf

from sagan_tf.data.channels import MODES
from sagan_tf.image_sizes import ImageSize, sides

# A set whose decoded images take no more bytes than this is held in memory.
MEMORY_LIMIT = 2**30


class ImageStore(Protocol):
    """Numbered images and their labels, read by number in any order.

    Attributes:
        origin: gives a name by which the user knows an image, if it has one.
    """

    origin: Callable[[int], str] | None

    def __len__(self) -> int:
        """Returns the number of images."""

    def load(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the images and the labels at `indices`.

        It is called in the graph of a `tf.data` map, on several batches at
        once, and has no state.

        Args:
            indices: `(batch,)` int64, each in `[0, len(self))`.

        Returns:
            Images `(batch, height, width, channels)` uint8 and labels
            `(batch,)` int32.
        """


class HeldImages:
    """Images held in memory.

    Args:
        images: `(num_examples, height, width, channels)` uint8, with 1, 3 or
            4 channels.
        labels: `(num_examples,)` integers.
    """

    in_memory = True
    origin = None

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
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
        self._images = tf.constant(images)
        self.labels = np.asarray(labels, np.int32)
        self._labels = tf.constant(self.labels)

    def __len__(self) -> int:
        """Returns the number of images."""
        return int(self._images.shape[0])

    def load(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the images and the labels at `indices`."""
        images = tf.gather(self._images, indices)
        return images, tf.gather(self._labels, indices)


class ImagesOnDemand:
    """Images that a Python function gives when they are wanted.

    Args:
        function: takes indices, a `(batch,)` int64 array, and returns images
            `(batch, height, width, channels)` uint8 and labels `(batch,)`
            int32. It is called from several threads at once.
        num_examples: number of images.
        image_size: height and width of the images, in pixels.
        channels: of the images.
        labels: `(num_examples,)`, if they are known without the function.
    """

    in_memory = False
    origin = None

    def __init__(
        self,
        function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
        *,
        num_examples: int,
        image_size: ImageSize,
        channels: int = 3,
        labels: np.ndarray | None = None,
    ) -> None:
        self._function = function
        self.labels = labels
        self._num_examples = num_examples
        self._image_shape = (*sides(image_size), channels)

    def __len__(self) -> int:
        """Returns the number of images."""
        return self._num_examples

    def load(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the images and the labels at `indices`."""
        indices = tf.cast(indices, tf.int64)
        images, labels = tf.numpy_function(
            self._function, [indices], (tf.uint8, tf.int32), stateful=False
        )
        images = tf.ensure_shape(images, (*indices.shape, *self._image_shape))
        return images, tf.ensure_shape(labels, indices.shape)


def fits_in_memory(
    num_examples: int, image_size: ImageSize, channels: int = 3
) -> bool:
    """Returns whether so many decoded images stay below `MEMORY_LIMIT`."""
    pixels = math.prod(sides(image_size))
    return num_examples * pixels * channels <= MEMORY_LIMIT
