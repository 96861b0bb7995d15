"""Pictures with the attention that a network paid to their parts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.gan.latents import draw_each
from sagan_tf.networks import Discriminator, Generator

_FEW = 8
# Real pictures to choose from.
_REAL_IMAGES = 1000


@dataclasses.dataclass(frozen=True)
class Seen:
    """Pictures and what a network attended to in them.

    Attributes:
        images: `(images, height, width, 3)` in [-1, 1].
        labels: `(images,)`.
        scores: `(images, queries, keys)` by the size of the map.
        gates: by the size of the map.
    """

    images: np.ndarray
    labels: np.ndarray
    scores: dict[int, np.ndarray]
    gates: dict[int, float]


def look_with_generator(
    generator: Generator,
    seeds: np.ndarray,
    labels: np.ndarray,
    truncation: float = 0.0,
) -> Seen:
    """Draws pictures and keeps the attention.

    Args:
        generator: a built generator.
        seeds: `(images,)`.
        labels: `(images,)`, ignored by an unconditional generator.
        truncation: size that no number of a latent exceeds; 0 for none.
    """
    latents = draw_each(seeds, generator.latent_dim, truncation)
    images, scores = _look(generator, latents, labels)
    return Seen(images, labels, scores, _gates(generator))


def look_with_discriminator(
    discriminator: Discriminator, images: np.ndarray, labels: np.ndarray
) -> Seen:
    """Shows pictures to the discriminator and keeps the attention.

    Args:
        discriminator: a built discriminator.
        images: `(images, height, width, 3)` in [-1, 1].
        labels: `(images,)`, ignored by an unconditional discriminator.
    """
    _, scores = _look(discriminator, images, labels)
    return Seen(images, labels, scores, _gates(discriminator))


def _look(
    network: Generator | Discriminator, inputs: Any, labels: np.ndarray
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Returns the outputs of a network, and its attention by map size."""
    parts = []
    # A few at a time: attention on large maps takes much memory.
    for start in range(0, len(labels), _FEW):
        few = inputs[start : start + _FEW]
        pair = [few, labels[start : start + _FEW]]
        parts.append(
            network(
                pair if network.num_classes else few,
                training=False,
                return_attention_scores=True,
            )
        )
    outputs, scores = zip(*parts)
    return np.concatenate(outputs), {
        size: np.concatenate([part[size] for part in scores])
        for size in scores[0]
    }


def _gates(network: Generator | Discriminator) -> dict[int, float]:
    layers = network.attention_layers()
    return {size: float(layer.gate.numpy()) for size, layer in layers.items()}


def real_images(
    dataset: ImageDataset, labels: np.ndarray, seed: int
) -> np.ndarray:
    """Picks real pictures of given classes from the first thousand.

    Args:
        dataset: where to look.
        labels: `(images,)`: of which classes; only their number counts
            without classes.
        seed: decides which pictures of a class.

    Returns:
        `(images, height, width, 3)` in [-1, 1].

    Raises:
        UserError: if there are too few of a class.
    """
    batch = min(dataset.num_examples, _REAL_IMAGES)
    images, classes = next(iter(dataset.ordered_batches(batch)))
    order = list(np.random.default_rng(seed).permutation(batch))
    chosen = []
    for label in labels:
        fitting = [
            index
            for index in order
            if not dataset.num_classes or classes[index] == label
        ]
        if not fitting:
            raise UserError(
                f"the first {batch} real pictures should hold enough of class "
                f"{label}. Received: too few; ask for fewer --num_images"
            )
        chosen.append(fitting[0])
        order.remove(fitting[0])
    return images.numpy()[chosen]
