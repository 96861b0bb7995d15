"""Images of a generator, in batches."""

from __future__ import annotations

from typing import Iterator

import numpy as np
import tensorflow as tf

from sagan_tf.networks import StagedGenerator, bake


class Sampler:
    """Draws images in batches of one size, so that nothing is retraced.

    Our networks are baked first, and anew for each call of `batches`, so they
    may train on in between.

    Args:
        generator: a generator; used with `training=False`.
        batch_size: images per call of the network.
    """

    def __init__(self, generator: tf.keras.Model, batch_size: int = 50):
        self.generator = generator
        self.batch_size = batch_size
        self._baked = None
        if isinstance(generator, StagedGenerator):
            self._baked = bake(generator)
        self._draw = tf.function(self._draw_batch)

    def _draw_batch(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        conditional = self.generator.num_classes > 0
        inputs = [latents, labels] if conditional else latents
        return (self._baked or self.generator)(inputs, training=False)

    def batches(
        self, latents: np.ndarray, labels: np.ndarray
    ) -> Iterator[np.ndarray]:
        """Yields images batch by batch.

        Args:
            latents: `(images, latent_dim)`.
            labels: `(images,)`, or shares of the classes
                `(images, num_classes)`; ignored by an unconditional generator.

        Yields:
            `(batch, height, width, 3)` float32 in [-1, 1]; the last batch may
            be smaller.
        """
        if self._baked is not None:
            bake(self.generator, into=self._baked)
        latents, labels = np.asarray(latents, np.float32), np.asarray(labels)
        labels = labels.astype(np.int32 if labels.ndim == 1 else np.float32)
        for start in range(0, len(latents), self.batch_size):
            part = slice(start, start + self.batch_size)
            images = self._draw(
                self._fill(latents[part]), self._fill(labels[part])
            )
            yield images[: len(latents[part])].numpy()

    def _fill(self, values: np.ndarray) -> tf.Tensor:
        """Returns a whole batch, whose missing rows are zeros."""
        missing = self.batch_size - len(values)
        padding = ((0, missing), *((0, 0),) * (values.ndim - 1))
        return tf.constant(np.pad(values, padding))

    def __call__(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws all images at once: `(images, height, width, 3)`."""
        return np.concatenate(list(self.batches(latents, labels)))
