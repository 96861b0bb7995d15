"""How far the networks look while they train."""

from __future__ import annotations

import numpy as np

from sagan_tf.gan import SAGAN
from sagan_tf.visualization import attention_capture, attention_maps

_NUM_IMAGES = 16


class AttentionProbe:
    """Measures the mean distance of attention, to stand beside the gate.

    For each attention layer `generator/attention_distance_SIZE`, over samples
    of the averaged generator, and `discriminator/attention_distance_SIZE`, over
    real pictures: the mean distance from queries to keys by their weights, in
    sides of the picture. Attention to everything alike has 0.52.

    Args:
        gan: the model.
        probed: where the measurements go, by name.
        real_images: `(images, height, width, 3)` in [-1, 1], of which a few
            are looked at.
        real_labels: `(images,)`.
    """

    def __init__(
        self,
        gan: SAGAN,
        probed: dict[str, float],
        real_images: np.ndarray,
        real_labels: np.ndarray,
    ):
        self.gan = gan
        self.probed = probed
        self._images = real_images[:_NUM_IMAGES]
        self._labels = real_labels[:_NUM_IMAGES]

    def __call__(self, step: int) -> None:
        """Looks with both networks."""
        seeds = np.arange(len(self._labels))
        sights = {
            "generator": attention_capture.capture_from_generator(
                self.gan.ema_generator, seeds, self._labels
            ),
            "discriminator": attention_capture.capture_from_discriminator(
                self.gan.discriminator, self._images, self._labels
            ),
        }
        for name, seen in sights.items():
            for size, scores in seen.scores.items():
                distances = attention_maps.mean_distances(scores)
                key = f"{name}/attention_distance_{size}"
                self.probed[key] = float(distances.mean())
