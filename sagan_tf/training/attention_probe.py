"""How far the networks look while they train, and where."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.gan import SAGAN
from sagan_tf.gan.discrimination import with_labels
from sagan_tf.gan.latents import draw_each
from sagan_tf.training.sinks import Records
from sagan_tf.visualization import (
    attention_capture,
    attention_maps,
    attention_strips,
)

_NUM_IMAGES = 4
# All weights of a map of this many rows are few megabytes an image.
_LARGEST_MAP = 64


class AttentionProbe:
    """Measures how far the networks look, and draws where.

    Both see the same few images every time: the averaged generator samples, the
    discriminator real ones.

    Args:
        gan: the model.
        probed: where the measurements go, by name.
        records: where the pages go.
        real_images: `(images, height, width, channels)` in [-1, 1], of which a
            few are looked at.
        real_labels: `(images,)`.
        class_names: of the labels; empty without classes.
    """

    def __init__(
        self,
        gan: SAGAN,
        probed: dict[str, float],
        records: Records,
        real_images: np.ndarray,
        real_labels: np.ndarray,
        class_names: Sequence[str] = (),
    ):
        self.gan = gan
        self.probed = probed
        self.records = records
        self.class_names = class_names
        self._images = real_images[:_NUM_IMAGES]
        self._labels = real_labels[:_NUM_IMAGES]
        self._seeds = np.arange(len(self._labels))

    def measure(self, step: int) -> None:
        """Measures the mean distance of attention, to stand beside the gate.

        For each attention layer `generator/attention_distance_SIZE` and
        `discriminator/attention_distance_SIZE`: the mean distance from queries
        to keys by their weights, in sides of the image. Attention to everything
        alike has 0.52.

        It looks at one image at a time, at a block of its queries at a time: it
        needs less memory than the step, whatever the size of the maps.
        """
        del step
        gan = self.gan
        latents = draw_each(self._seeds, gan.generator.latent_dim)
        self._measure("generator", gan.ema_generator, latents)
        self._measure("discriminator", gan.discriminator, self._images)

    def _measure(self, name: str, network: tf.keras.Model, inputs: Any) -> None:
        found: dict[int, list[float]] = {}
        for index in range(len(self._labels)):
            one = slice(index, index + 1)
            _, distances = network(
                with_labels(network, inputs[one], self._labels[one]),
                training=False,
                return_attention_scores=_mean_distance,
            )
            for size, distance in distances.items():
                found.setdefault(size, []).append(distance)
        for size, distances in found.items():
            key = f"{name}/attention_distance_{size}"
            self.probed[key] = float(np.mean(distances))

    def draw(self, step: int) -> None:
        """Draws where the networks look: a page of each, the same points.

        The records get `attention/generator` and `attention/discriminator`; a
        network without attention, or with attention on larger maps than 64x64,
        has no page.
        """
        gan, labels = self.gan, self._labels
        if _has_page(gan.ema_generator):
            seen = attention_capture.capture_from_generator(
                gan.ema_generator, self._seeds, labels
            )
            self._draw(step, "generator", seen)
        if _has_page(gan.discriminator):
            seen = attention_capture.capture_from_discriminator(
                gan.discriminator, self._images, labels
            )
            self._draw(step, "discriminator", seen)

    def _draw(
        self, step: int, name: str, seen: attention_capture.CapturedAttention
    ) -> None:
        title = f"Where the {name} looks, step {step:,}"
        page = attention_strips.sheet(seen, self.class_names, title)
        self.records.image(step, f"attention/{name}", page)


def _mean_distance(layer: Any, features: tf.Tensor) -> float:
    """Returns the mean distance of attention in one image."""
    blocks = (scores[0].numpy() for scores in layer.score_blocks(features))
    _, height, width, _ = features.shape
    return attention_maps.mean_distance(blocks, height * width, (height, width))


def _has_page(network: tf.keras.Model) -> bool:
    sizes = network.attention_layers()
    return bool(sizes) and max(sizes) <= _LARGEST_MAP
