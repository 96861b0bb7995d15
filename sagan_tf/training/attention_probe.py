"""How far the networks look while they train."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from sagan_tf.gan import SAGAN
from sagan_tf.gan.discrimination import with_labels
from sagan_tf.gan.latents import draw_each
from sagan_tf.visualization import attention_maps

_NUM_IMAGES = 4


class AttentionProbe:
    """Measures the mean distance of attention, to stand beside the gate.

    For each attention layer `generator/attention_distance_SIZE`, over samples
    of the averaged generator, and `discriminator/attention_distance_SIZE`, over
    real images: the mean distance from queries to keys by their weights, in
    sides of the image. Attention to everything alike has 0.52.

    It looks at one image at a time, at a block of its queries at a time: it
    needs less memory than the step, whatever the size of the maps.

    Args:
        gan: the model.
        probed: where the measurements go, by name.
        real_images: `(images, height, width, channels)` in [-1, 1], of which a
            few are looked at.
        real_labels: `(images,)`.
    """

    def __init__(
        self,
        gan: SAGAN,
        probed: dict[str, float],
        real_images: np.ndarray,
        real_labels: np.ndarray,
    ):
        self.probed = probed
        labels = real_labels[:_NUM_IMAGES]
        latents = draw_each(np.arange(len(labels)), gan.generator.latent_dim)
        self._seen = {
            "generator": (gan.ema_generator, latents, labels),
            "discriminator": (
                gan.discriminator,
                real_images[:_NUM_IMAGES],
                labels,
            ),
        }

    def __call__(self, step: int) -> None:
        """Looks with both networks."""
        del step
        for name, (network, inputs, labels) in self._seen.items():
            found: dict[int, list[float]] = {}
            for index in range(len(labels)):
                one = slice(index, index + 1)
                _, distances = network(
                    with_labels(network, inputs[one], labels[one]),
                    training=False,
                    return_attention_scores=_mean_distance,
                )
                for size, distance in distances.items():
                    found.setdefault(size, []).append(distance)
            for size, distances in found.items():
                key = f"{name}/attention_distance_{size}"
                self.probed[key] = float(np.mean(distances))


def _mean_distance(layer: Any, features: tf.Tensor) -> float:
    """Returns the mean distance of attention in one image."""
    blocks = (scores[0].numpy() for scores in layer.score_blocks(features))
    _, height, width, _ = features.shape
    return attention_maps.mean_distance(blocks, height * width, (height, width))
