"""Images with the attention that a network paid to their parts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.gan.latents import draw_each
from sagan_tf.networks import Discriminator, Generator

# Attention on large maps takes much memory.
_AT_ONCE = 8
# Real images to choose from.
_REAL_IMAGES = 1000


@dataclasses.dataclass(frozen=True)
class CapturedAttention:
    """Images and what a network attended to in them.

    Attributes:
        images: `(images, height, width, channels)` in [-1, 1].
        labels: `(images,)`.
        scores: `(images, queries, keys)` by the height of the map.
        gates: by the height of the map.
    """

    images: np.ndarray
    labels: np.ndarray
    scores: dict[int, np.ndarray]
    gates: dict[int, float]


def capture_from_generator(
    generator: Generator,
    seeds: np.ndarray,
    labels: np.ndarray,
    truncation: float = 0.0,
) -> CapturedAttention:
    """Draws images and keeps the attention.

    Args:
        generator: a built generator.
        seeds: `(images,)`.
        labels: `(images,)`, ignored by an unconditional generator.
        truncation: size that no number of a latent exceeds; 0 for none.
    """
    latents = draw_each(seeds, generator.latent_dim, truncation)
    images, scores = _call(generator, latents, labels)
    return CapturedAttention(images, labels, scores, _gates(generator))


def capture_from_discriminator(
    discriminator: Discriminator, images: np.ndarray, labels: np.ndarray
) -> CapturedAttention:
    """Shows images to the discriminator and keeps the attention.

    Args:
        discriminator: a built discriminator.
        images: `(images, height, width, channels)` in [-1, 1].
        labels: `(images,)`, ignored by an unconditional discriminator.
    """
    _, scores = _call(discriminator, images, labels)
    return CapturedAttention(images, labels, scores, _gates(discriminator))


def _call(
    network: Generator | Discriminator, inputs: Any, labels: np.ndarray
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Returns the outputs of a network, and its attention by map size."""
    results = []
    for start in range(0, len(labels), _AT_ONCE):
        few = inputs[start : start + _AT_ONCE]
        pair = [few, labels[start : start + _AT_ONCE]]
        results.append(
            network(
                pair if network.num_classes else few,
                training=False,
                return_attention_scores=True,
            )
        )
    outputs, scores = zip(*results)
    return np.concatenate(outputs), {
        size: np.concatenate([each[size] for each in scores])
        for size in scores[0]
    }


def _gates(network: Generator | Discriminator) -> dict[int, float]:
    layers = network.attention_layers()
    return {size: float(layer.gate.numpy()) for size, layer in layers.items()}


def real_images(
    dataset: ImageDataset, labels: np.ndarray, seed: int
) -> np.ndarray:
    """Picks real images of given classes from the first thousand.

    Args:
        dataset: where to look.
        labels: `(images,)`: of which classes; only their number counts
            without classes.
        seed: decides which images of a class.

    Returns:
        `(images, height, width, channels)` in [-1, 1].

    Raises:
        UserError: if there are too few of a class.
    """
    batch = min(dataset.num_examples, _REAL_IMAGES)
    images, classes = next(iter(dataset.ordered_batches(batch)))
    left = list(np.random.default_rng(seed).permutation(batch))
    chosen = []
    for label in labels:
        any_class = not dataset.num_classes
        fitting = (n for n in left if any_class or classes[n] == label)
        index = next(fitting, None)
        if index is None:
            raise UserError(
                f"the first {batch} real images should hold enough of class "
                f"{label}. Received: too few; ask for fewer --num_images"
            )
        chosen.append(index)
        left.remove(index)
    return images.numpy()[chosen]
