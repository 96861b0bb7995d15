"""Generated images to be scored: which ones depends on the seed alone."""

from __future__ import annotations

from typing import Any, Iterator, Protocol, Sequence

import numpy as np

from sagan_tf.data.channels import to_floats
from sagan_tf.gan import latents
from sagan_tf.gan.sampling import Sampler
from sagan_tf.networks import Generator


def balanced_labels(num_images: int, num_classes: int) -> np.ndarray:
    """Returns labels in turn, so that each class comes equally often.

    Args:
        num_images: number of labels.
        num_classes: number of classes; 0 for labels of 0 only.
    """
    return np.arange(num_images, dtype=np.int32) % max(num_classes, 1)


def rounded(images: np.ndarray) -> np.ndarray:
    """Returns images in [-1, 1] as they come back from a file of bytes.

    Real images come from such files, and an evaluator that reads files sees
    nothing else. NaN stays, for the network to refuse.
    """
    levels = np.clip(np.rint((images + 1) * 127.5), 0, 255)
    return to_floats(levels.astype(np.float32))


def generated_batches(
    sampler: Sampler,
    num_images: int,
    *,
    seed: int = 0,
    truncation: float = 0.0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields generated images, rounded to bytes, and their labels.

    The generator runs as at inference: by its moving averages, and without a
    power iteration.

    Args:
        sampler: what draws, from a built and restored generator.
        num_images: number of images.
        seed: seed of the latents.
        truncation: size that no latent exceeds; 0 for none.

    Yields:
        Images `(batch, height, width, 3)` float32 in [-1, 1] and labels
        `(batch,)`.
    """
    generator, done = sampler.generator, 0
    values = latents.draw(num_images, generator.latent_dim, seed, truncation)
    labels = balanced_labels(num_images, generator.num_classes)
    for images in sampler.batches(values, labels):
        yield rounded(images), labels[done : done + len(images)]
        done += len(images)


class Checkpoints(Protocol):
    """What is needed of the checkpoints of a run."""

    def steps(self) -> list[int]:
        """Returns the steps that there are."""

    def restore_generator(
        self, generator: Generator, step: int, averaged: bool
    ) -> None:
        """Restores the generator of a step, or raise a `UserError`."""


class CheckpointSampler:
    """Draws the images of any step of a run, all from the same latents.

    Args:
        generator: a generator of the run's architecture.
        places: checkpoints, in the order in which to look for a step.
        averaged: whether to take the averaged generator.
        num_images: number of images.
        truncation: size that no latent exceeds; 0 for none.
        seed: seed of the latents.
        batch_size: images per batch.
    """

    def __init__(
        self,
        generator: Generator,
        places: Sequence[Checkpoints],
        *,
        averaged: bool = True,
        num_images: int,
        truncation: float = 0.0,
        seed: int = 0,
        batch_size: int = 50,
    ) -> None:
        self.generator = generator
        self.places = places
        self.averaged = averaged
        self.num_images = num_images
        self.truncation = truncation
        self.seed = seed
        self._sampler = Sampler(generator, batch_size)
        # One batch makes the variables that a checkpoint is restored into.
        next(generated_batches(self._sampler, 1))

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
        """Returns the images of a step, batch by batch.

        Raises:
            UserError: if its checkpoint is missing or broken.
        """
        have_it = [place for place in self.places if step in place.steps()]
        place = (have_it or self.places)[0]
        place.restore_generator(self.generator, step, self.averaged)
        return generated_batches(
            self._sampler,
            self.num_images,
            seed=self.seed,
            truncation=self.truncation,
        )


class LiveWeights:
    """The weights of a generator in training, in place of a checkpoint's.

    Args:
        source: the generator in training.
    """

    def __init__(self, source: Generator) -> None:
        self.source = source

    def steps(self) -> list[int]:
        """Returns no step: the weights are those of the present one."""
        return []

    def restore_generator(
        self, generator: Generator, step: int, averaged: bool
    ) -> None:
        """Copies the present weights into `generator`."""
        del step, averaged
        for ours, theirs in zip(generator.variables, self.source.variables):
            ours.assign(theirs)
