"""Generated images to be scored: which ones depends on the seed alone."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import numpy as np

from sagan_tf.data.channels import rounded
from sagan_tf.gan import latents
from sagan_tf.gan.sampling import Sampler
from sagan_tf.networks import Generator

# Gives a generator the weights of a step, averaged or not; or a `UserError`.
Restore = Callable[[Generator, int, bool], None]


class CheckpointSampler:
    """Draws the images of any step of a run, all from the same latents.

    Args:
        generator: a generator of the run's architecture.
        restore: gives it the weights of a step.
        averaged: whether to take the averaged generator.
        num_images: number of images.
        truncation: size that no latent exceeds; 0 for none.
        seed: seed of the latents.
        batch_size: images per batch.
    """

    def __init__(
        self,
        generator: Generator,
        restore: Restore,
        *,
        averaged: bool = True,
        num_images: int,
        truncation: float = 0.0,
        seed: int = 0,
        batch_size: int = 50,
    ) -> None:
        self.generator = generator
        self.restore = restore
        self.averaged = averaged
        self.num_images = num_images
        self.truncation = truncation
        self.seed = seed
        # It builds the generator: there are variables to restore.
        self._sampler = Sampler(generator, batch_size)

    def card(self) -> dict[str, Any]:
        """Returns what the protocol card says of the images."""
        return {
            "num_generated": self.num_images,
            "labels": "balanced" if self.generator.num_classes else "none",
            "truncation": self.truncation,
            "seed": self.seed,
            "weights": "ema" if self.averaged else "generator",
        }

    def __call__(self, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Returns the images of a step, rounded to bytes, batch by batch.

        The generator runs as at inference: by its moving averages, and without
        a power iteration.

        Returns:
            Images `(batch, height, width, channels)` float32 in [-1, 1] and
            labels `(batch,)`, all classes equally often.

        Raises:
            UserError: if its checkpoint is missing or broken.
        """
        self.restore(self.generator, step, self.averaged)
        return self._batches()

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        count, size = self.num_images, self.generator.latent_dim
        values = latents.draw(count, size, self.seed, self.truncation)
        num_classes = max(self.generator.num_classes, 1)
        labels = np.arange(count, dtype=np.int32) % num_classes
        done = 0
        for images in self._sampler.batches(values, labels):
            yield rounded(images), labels[done : done + len(images)]
            done += len(images)
