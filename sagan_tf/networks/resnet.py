"""The residual generator and discriminator of SAGAN, 32 to 512 pixels."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Sequence

import tensorflow as tf

from sagan_tf.image_sizes import ImageSize, base
from sagan_tf.layers import (
    ConditionalBatchNormalization,
    ResidualDownBlock,
    ResidualUpBlock,
)
from sagan_tf.layers.options import arguments
from sagan_tf.networks.sides import StagedDiscriminator, StagedGenerator
from sagan_tf.networks.widths import (
    discriminator_heights,
    discriminator_widths,
    generator_heights,
    generator_widths,
)


@tf.keras.utils.register_keras_serializable("sagan_tf")
class Generator(StagedGenerator):
    """Draws images from latents, and from labels if there are classes.

    A spectrally normalized dense layer to a map of 4x4 (up to 7x7, by the
    image's size), residual blocks that double the resolution, batch
    normalization, ReLU, a 3x3 convolution to the image's channels, and tanh.
    Self-attention stands behind the blocks whose map has one of the asked
    heights.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks"
    (arXiv:1805.08318), and its release.

    Args:
        image_size: height and width of the images: a number for squares, or a
            pair; each 4 to 7 times the same power of two, from 32 to 512.
        num_classes: number of classes; 0 for an unconditional network.
        latent_dim: length of a latent.
        base_channels: unit of the widths, the last block's width at 64 pixels
            and more.
        attention_resolutions: as in `StagedNetwork`.
        output_momentum: decay of the last normalization's moving statistics,
            in [0, 1).
        **kwargs: further arguments of `StagedGenerator`.

    Call arguments:
        inputs: latents `(batch, latent_dim)`, standard normal, alone or, with
            classes, in a pair with labels `(batch,)` in `[0, num_classes)`; or
            with shares of the classes, `(batch, num_classes)`, which mix them.
        training: whether the batch's statistics are used and the vectors of
            spectral normalization moved.
        return_attention_scores: whether to return the attention weights too.

    Returns:
        Images `(batch, height, width, channels)`, float32 in [-1, 1]; with
        `return_attention_scores=True` also a dictionary from map height to
        weights `(batch, queries, keys)`.

    Raises:
        ValueError: if an argument is out of its range, or an attention size is
            not that of a feature map.
    """

    def __init__(
        self,
        image_size: ImageSize = 128,
        num_classes: int = 0,
        latent_dim: int = 128,
        base_channels: int = 64,
        attention_resolutions: Sequence[int] | None = None,
        output_momentum: float = 0.9999,
        **kwargs: Any,
    ):
        super().__init__(
            image_size=image_size,
            num_classes=num_classes,
            latent_dim=latent_dim,
            base_channels=base_channels,
            attention_resolutions=attention_resolutions,
            **kwargs,
        )
        self.output_momentum = output_momentum
        first, *widths = generator_widths(self.image_size)
        self.first_shape = (*base(self.image_size), first * base_channels)
        self.dense = self._normalized(
            tf.keras.layers.Dense, math.prod(self.first_shape), name="dense"
        )
        self._add_stages(
            self.feature_sizes(),
            [
                ResidualUpBlock(
                    width * base_channels,
                    num_classes=num_classes,
                    batch_norm=self.batch_norm,
                    fold_resampling=self.fold_resampling,
                    **self._block_options(f"block_{index}"),
                )
                for index, width in enumerate(widths, start=1)
            ],
        )
        self.norm = self._output_norm()
        self.to_rgb = self._normalized(
            tf.keras.layers.Conv2D,
            self.channels,
            3,
            padding="same",
            name="to_rgb",
        )

    def _output_norm(self) -> ConditionalBatchNormalization:
        plain = dataclasses.replace(
            self.batch_norm,
            momentum=self.output_momentum,
            normalized_tables=None,
        )
        return ConditionalBatchNormalization(
            **dataclasses.asdict(plain), name="norm", dtype=self.dtype_policy
        )

    def feature_sizes(self) -> tuple[int, ...]:
        """Returns the heights of the maps that the blocks give, in order."""
        return generator_heights(self.image_size)

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        """Draws images."""
        latents, labels = self._split(inputs)
        x = tf.reshape(self.dense(latents), (-1, *self.first_shape))
        x, scores = self._walk(x, labels, return_attention_scores)
        x = self.to_rgb(tf.nn.relu(self.norm(x)))
        images = tf.tanh(tf.cast(x, tf.float32))
        return (images, scores) if return_attention_scores else images

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **arguments(self, "output_momentum")}


@tf.keras.utils.register_keras_serializable("sagan_tf")
class Discriminator(StagedDiscriminator):
    """Scores images: high for real ones, low for generated ones.

    Residual blocks that halve the resolution, a last one that keeps it, ReLU,
    the sum over positions and a dense layer to one logit; with classes, plus
    the dot product of the summed features with an embedding of the label.
    Everything is spectrally normalized. Self-attention stands behind the
    blocks whose map has one of the asked sizes.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks"
    (arXiv:1805.08318), and its release; the projection: Miyato and Koyama
    (arXiv:1802.05637).

    Args:
        image_size: height and width of the images: a number for squares, or a
            pair; each 4 to 7 times the same power of two, from 32 to 512.
        num_classes: number of classes; 0 for an unconditional network.
        base_channels: unit of the widths, the first block's width at 64 pixels
            and more.
        attention_resolutions: as in `StagedNetwork`.
        rectified_shortcuts: as in `ResidualDownBlock`.
        **kwargs: further arguments of `StagedNetwork`.

    Call arguments:
        inputs: images `(batch, height, width, channels)` in [-1, 1], alone or,
            with classes, in a pair with labels `(batch,)` in
            `[0, num_classes)`.
        training: whether the vectors of spectral normalization are moved.
        return_attention_scores: whether to return the attention weights too.

    Returns:
        Logits `(batch, 1)`, float32; with `return_attention_scores=True` also
        a dictionary from map height to weights `(batch, queries, keys)`.

    Raises:
        ValueError: if an argument is out of its range, or an attention size is
            not that of a feature map.
    """

    def __init__(
        self,
        image_size: ImageSize = 128,
        num_classes: int = 0,
        base_channels: int = 64,
        attention_resolutions: Sequence[int] | None = None,
        rectified_shortcuts: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            image_size=image_size,
            num_classes=num_classes,
            base_channels=base_channels,
            attention_resolutions=attention_resolutions,
            **kwargs,
        )
        self.rectified_shortcuts = rectified_shortcuts
        sizes = self.feature_sizes()
        before = (self.image_shape[0], *sizes)
        widths = discriminator_widths(self.image_size)
        self._add_stages(
            sizes,
            [
                ResidualDownBlock(
                    width * base_channels,
                    downsample=sizes[index] < before[index],
                    leading_relu=index > 0,
                    rectified_shortcut=rectified_shortcuts,
                    fold_resampling=self.fold_resampling,
                    **self._block_options(f"block_{index + 1}"),
                )
                for index, width in enumerate(widths)
            ],
        )
        self.dense = self._normalized(
            tf.keras.layers.Dense, 1, name="dense", dtype="float32"
        )
        self.embedding = None
        if num_classes:
            self.embedding = self._normalized(
                tf.keras.layers.Embedding,
                num_classes,
                widths[-1] * base_channels,
                embeddings_initializer="glorot_uniform",
                name="embedding",
                dtype="float32",
            )

    def feature_sizes(self) -> tuple[int, ...]:
        """Returns the heights of the maps that the blocks give, in order."""
        return discriminator_heights(self.image_size)

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        """Scores images."""
        images, labels = self._split(inputs)
        x = tf.cast(images, self.compute_dtype)
        x, scores = self._walk(x, labels, return_attention_scores)
        features = tf.reduce_sum(tf.cast(tf.nn.relu(x), tf.float32), (1, 2))
        logits = self.dense(features)
        if self.embedding is not None:
            projection = features * self.embedding(labels)
            logits += tf.reduce_sum(projection, axis=-1, keepdims=True)
        return (logits, scores) if return_attention_scores else logits

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            **arguments(self, "rectified_shortcuts"),
        }
