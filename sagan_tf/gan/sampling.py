"""Pictures of a generator, in batches."""

from __future__ import annotations

from typing import Iterator

import numpy as np
import tensorflow as tf

from sagan_tf.networks import FREEZABLE, Generator, freeze


class Sampler:
    """Draws pictures in batches of one size, so that nothing is retraced.

    The networks of the paper are frozen first, and read anew for each call of
    `batches`, so they may train on in between.

    Args:
        generator: a generator; used with `training=False`.
        batch_size: pictures per call of the network.
    """

    def __init__(self, generator: Generator, batch_size: int = 50):
        self.generator = generator
        self.batch_size = batch_size
        self._frozen = None
        if isinstance(generator, FREEZABLE):
            self._frozen = freeze(generator)
        self._draw = tf.function(self._draw_batch)

    def _draw_batch(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        conditional = self.generator.num_classes > 0
        inputs = [latents, labels] if conditional else latents
        return (self._frozen or self.generator)(inputs, training=False)

    def batches(
        self, latents: tf.Tensor, labels: tf.Tensor
    ) -> Iterator[np.ndarray]:
        """Yields pictures batch by batch.

        Args:
            latents: `(images, latent_dim)`.
            labels: `(images,)`; ignored by an unconditional generator.

        Yields:
            `(batch, height, width, 3)` float32 in [-1, 1]; the last batch may
            be smaller.
        """
        if self._frozen is not None:
            self._frozen.refresh()
        latents = tf.convert_to_tensor(latents, tf.float32)
        labels = tf.convert_to_tensor(labels, tf.int32)
        for start in range(0, len(latents), self.batch_size):
            part = slice(start, start + self.batch_size)
            count = len(latents[part])
            missing = self.batch_size - count
            images = self._draw(
                tf.pad(latents[part], ((0, missing), (0, 0))),
                tf.pad(labels[part], ((0, missing),)),
            )
            yield images[:count].numpy()

    def __call__(self, latents: tf.Tensor, labels: tf.Tensor) -> np.ndarray:
        """Draws all pictures at once: `(images, height, width, 3)`."""
        return np.concatenate(list(self.batches(latents, labels)))
