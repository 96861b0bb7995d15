"""The latent of a given image: what the generator draws nearest to it."""

from __future__ import annotations

import dataclasses
import math
from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.gan.discrimination import with_labels
from sagan_tf.gan.latents import draw_each
from sagan_tf.networks import StagedGenerator, bake
from sagan_tf.networks.sides import StagedDiscriminator

_AT_ONCE = 50


@dataclasses.dataclass(frozen=True)
class Projection:
    """What was found, and the way to it.

    Attributes:
        latents: `(1, latent_dim)`, float32.
        labels: `(1,)`, int32; 0 without classes.
        pixels: `(steps + 1,)`, the mean squared difference of pixels in
            [-1, 1], at the start and behind each step.
        features: `(steps + 1,)`, the same of the discriminator's features.
        images: `(frames, height, width, channels)` in [-1, 1]: the start, some
            on the way, and the nearest.
    """

    latents: np.ndarray
    labels: np.ndarray
    pixels: np.ndarray
    features: np.ndarray
    images: np.ndarray

    @property
    def nearest(self) -> int:
        """The step whose image is nearest; 0 is the start."""
        return int((self.pixels + self.features).argmin())

    def in_words(self) -> str:
        """Says how far pixels, in levels of 255, and features were and are."""
        levels, step = 127.5 * np.sqrt(self.pixels), self.nearest
        return (
            f"step {step} is nearest: pixels {levels[step]:.1f} of 255 levels "
            f"away (root mean square; {levels[0]:.1f} at the start), features "
            f"{self.features[step]:.3f} ({self.features[0]:.3f})"
        )


class Projector:
    """Measures how far images are from one, and brings latents nearer to it.

    The distance is the mean squared difference of the pixels plus that of the
    discriminator's features: on each of its stages the squared difference over
    the squared length of the image's own, and the mean over the stages. So what
    is compared is also what the discriminator has learned to look at.

    Args:
        generator: a built generator.
        discriminator: a built discriminator of the same images.
        image: `(height, width, channels)` in [-1, 1].
    """

    def __init__(
        self,
        generator: StagedGenerator,
        discriminator: StagedDiscriminator,
        image: np.ndarray,
    ):
        self._generator = bake(generator)
        self._discriminator = discriminator
        self._image = tf.constant(image[np.newaxis], tf.float32)
        self._wanted = self._features(self._image)
        self.measure = tf.function(self._measure, reduce_retracing=True)

    def _features(self, images: tf.Tensor) -> list[tf.Tensor]:
        x, found = tf.cast(images, self._discriminator.compute_dtype), []
        for _, stage in self._discriminator.stages:
            x = stage(x)
            found.append(tf.cast(x, tf.float32))
        return found

    def _measure(
        self, latents: tf.Tensor, labels: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns images, and how far pixels and features are, `(batch,)`."""
        inputs = with_labels(self._generator, latents, labels)
        images = self._generator(inputs, training=False)
        pixels = _mean(tf.math.squared_difference(images, self._image))
        features = [
            _mean(tf.math.squared_difference(found, wanted))
            / tf.maximum(_mean(tf.square(wanted)), 1e-12)
            for found, wanted in zip(self._features(images), self._wanted)
        ]
        return images, pixels, tf.add_n(features) / len(features)

    def find_starts(
        self, labels: Sequence[int], count: int, best: int, seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws images and returns latents and labels of the nearest.

        Args:
            labels: the classes to try.
            count: images to draw, over all classes; at least one of each.
            best: how many to return.
            seed: of the first latent.
        """
        each = max(1, count // len(labels))
        seeds = np.tile(np.arange(seed, seed + each), len(labels))
        latents = draw_each(seeds, self._generator.latent_dim).numpy()
        classes = np.repeat(np.asarray(labels, np.int32), each)
        distances = []
        for start in range(0, len(classes), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            _, pixels, features = self.measure(latents[part], classes[part])
            distances.append(pixels + features)
        nearest = np.argsort(np.concatenate(distances))[:best]
        return latents[nearest], classes[nearest]

    def bring_nearer(
        self,
        latents: np.ndarray,
        labels: np.ndarray,
        steps: int,
        learning_rate: float = 0.1,
        frames: int = 60,
        watch: Callable[[int], None] = lambda step: None,
    ) -> Projection:
        """Moves latents by Adam, and returns what the best of them found.

        The rate falls to zero as half of a cosine.

        Args:
            latents: `(tries, latent_dim)`.
            labels: `(tries,)`.
            steps: how many.
            learning_rate: that of the first step.
            frames: images to keep, at most, the start and the end among them.
            watch: called with the number of each step, 0 first; what it raises
                ends the way.
        """
        moving, labels = tf.Variable(latents), tf.constant(labels, tf.int32)
        rate = tf.keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        optimizer = tf.keras.optimizers.Adam(rate)
        optimizer.build([moving])

        @tf.function
        def step() -> tuple[tf.Tensor, ...]:
            with tf.GradientTape() as tape:
                images, pixels, features = self._measure(moving, labels)
                total = tf.reduce_sum(pixels + features)
            before = tf.identity(moving)
            optimizer.apply_gradients([(tape.gradient(total, moving), moving)])
            return images, pixels, features, before

        every = max(1, math.ceil(steps / max(1, frames - 2)))
        ways, kept, best = [], [], _Best(len(latents))
        for number in range(steps + 1):
            watch(number)
            images, pixels, features, before = step()
            best.note(pixels + features, before, images)
            ways.append((pixels, features))
            if number % every == 0:
                kept.append(images)
        winner = int(best.distances.argmin())
        pixels, features = np.array(ways)[:, :, winner].T
        return Projection(
            best.latents[winner : winner + 1],
            labels[winner : winner + 1].numpy(),
            pixels,
            features,
            np.stack([*(each[winner] for each in kept), best.images[winner]]),
        )


class _Best:
    """The nearest that each try has been."""

    def __init__(self, tries: int):
        self.distances = np.full(tries, np.inf)
        self.latents = self.images = np.zeros(())

    def note(
        self, distances: tf.Tensor, latents: tf.Tensor, images: tf.Tensor
    ) -> None:
        nearer = distances.numpy() < self.distances
        self.distances = np.where(nearer, distances, self.distances)
        self.latents = np.where(nearer[:, np.newaxis], latents, self.latents)
        nearer = nearer[:, np.newaxis, np.newaxis, np.newaxis]
        self.images = np.where(nearer, images, self.images)


def _mean(values: tf.Tensor) -> tf.Tensor:
    """Returns the mean of each image."""
    return tf.reduce_mean(values, axis=tuple(range(1, values.shape.rank)))
