"""The unconditional pair of strided convolutions, 32 to 512 pixels."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

from sagan_tf import image_sizes
from sagan_tf.image_sizes import ImageSize, base
from sagan_tf.layers import (
    StridedConvolutionBlock,
    TransposedConvolutionBlock,
)
from sagan_tf.networks.sides import StagedDiscriminator, StagedGenerator
from sagan_tf.networks.stages import StagedNetwork
from sagan_tf.networks.widths import strided_heights

# Arguments of every staged network that mean nothing here.
_RESIDUAL_ONLY = ("fold_resampling", "attention_replacement")


class _DCGANNetwork(StagedNetwork):
    """What both networks share: no classes, and the form of attention."""

    # From the smallest map to the largest, or the reverse.
    _order = 1

    def __init__(
        self,
        image_size: ImageSize = 64,
        num_classes: int = 0,
        attention_resolutions: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        image_size = image_sizes.check(image_size)
        if num_classes:
            raise ValueError(
                "`num_classes` should be 0, as this network is unconditional. "
                f"Received: {num_classes}"
            )
        for name in _RESIDUAL_ONLY:
            if name in kwargs:
                raise ValueError(
                    f"`{name}` should not be given: it is for the residual "
                    f"networks. Received: {kwargs[name]!r}"
                )
        if attention_resolutions is None:
            heights = strided_heights(image_size)[:: self._order]
            attention_resolutions = heights[-2:]
        super().__init__(
            image_size=image_size,
            attention_resolutions=attention_resolutions,
            **kwargs,
        )

    def _attention_defaults(self) -> dict[str, Any]:
        return {
            "value_divisor": 1,
            "pooled": False,
            "use_bias": True,
            "output_projection": False,
            "spectral_normalization": None,
        }

    def feature_sizes(self) -> tuple[int, ...]:
        """Returns the heights of the maps that the blocks give, in order."""
        return strided_heights(self.image_size)[:: self._order]

    def _filters(self, size: int) -> int:
        return self.base_channels * self.image_shape[0] // (2 * size)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        for name in _RESIDUAL_ONLY:
            del config[name]
        return config


@tf.keras.utils.register_keras_serializable("sagan_tf")
class DCGANGenerator(_DCGANNetwork, StagedGenerator):
    """Draws images from latents by transposed convolutions.

    A spectrally normalized transposed convolution to a map of 4x4 (up to 7x7,
    by the image's size), others that double the resolution, each with batch
    normalization and ReLU, and a last one, not normalized, to the image's
    channels, with tanh. Self-attention stands
    behind the last two blocks, without pooling, output convolution or spectral
    normalization, and with biases.

    Reference: heykeetae/Self-Attention-GAN, at 64 pixels; its rule is carried
    on to other sizes. DCGAN: Radford et al. (arXiv:1511.06434).

    Args:
        image_size: height and width of the images: a number for squares, or a
            pair; each 4 to 7 times the same power of two, from 32 to 512.
        num_classes: 0.
        latent_dim: length of a latent.
        base_channels: width of the last block.
        attention_resolutions: heights of the feature maps with attention;
            None for the last two.
        **kwargs: further arguments of `StagedGenerator`, but those of residual
            networks; `spectral_normalization` is that of the blocks.

    Call arguments:
        inputs: latents `(batch, latent_dim)`, standard normal.
        training: whether the batch's statistics are used and the vectors of
            spectral normalization moved.
        return_attention_scores: whether to return the attention weights too.

    Returns:
        Images `(batch, height, width, channels)`, float32 in [-1, 1]; with
        `return_attention_scores=True` also a dictionary from map height to
        weights `(batch, queries, keys)`.

    Raises:
        ValueError: if an argument is out of its range, there are classes, or
            an attention size is not that of a feature map.
    """

    def __init__(
        self,
        image_size: ImageSize = 64,
        num_classes: int = 0,
        latent_dim: int = 128,
        base_channels: int = 64,
        attention_resolutions: Sequence[int] | None = None,
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
        sizes = self.feature_sizes()
        blocks = [
            TransposedConvolutionBlock(
                self._filters(size),
                strides=2 if index > 1 else 1,
                kernel_size=4 if index > 1 else base(self.image_size),
                batch_norm=self.batch_norm,
                **self._block_options(f"block_{index}"),
            )
            for index, size in enumerate(sizes, start=1)
        ]
        self._add_stages(sizes, blocks)
        self.to_rgb = tf.keras.layers.Conv2DTranspose(
            self.channels,
            kernel_size=4,
            strides=2,
            padding="same",
            name="to_rgb",
            dtype=self.dtype_policy,
        )

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        """Draws images."""
        x = tf.reshape(inputs, (-1, 1, 1, self.latent_dim))
        x, scores = self._walk(x, None, return_attention_scores)
        images = tf.tanh(tf.cast(self.to_rgb(x), tf.float32))
        return (images, scores) if return_attention_scores else images


@tf.keras.utils.register_keras_serializable("sagan_tf")
class DCGANDiscriminator(_DCGANNetwork, StagedDiscriminator):
    """Scores images by strided convolutions.

    Spectrally normalized convolutions that halve the resolution down to 4x4
    (up to 7x7, by the image's size), each with a leaky ReLU, and one, not
    normalized, to the logit. Self-attention stands behind the last two blocks,
    in the form of the generator's.

    Reference: heykeetae/Self-Attention-GAN, at 64 pixels; its rule is carried
    on to other sizes. DCGAN: Radford et al. (arXiv:1511.06434).

    Args:
        image_size: height and width of the images: a number for squares, or a
            pair; each 4 to 7 times the same power of two, from 32 to 512.
        num_classes: 0.
        base_channels: width of the first block.
        attention_resolutions: heights of the feature maps with attention;
            None for the last two, such as 8 and 4.
        **kwargs: further arguments of `StagedNetwork`, but those of residual
            networks; `spectral_normalization` is that of the blocks.

    Call arguments:
        inputs: images `(batch, height, width, channels)` in [-1, 1].
        training: whether the vectors of spectral normalization are moved.
        return_attention_scores: whether to return the attention weights too.

    Returns:
        Logits `(batch, 1)`, float32; with `return_attention_scores=True` also
        a dictionary from map height to weights `(batch, queries, keys)`.

    Raises:
        ValueError: if an argument is out of its range, there are classes, or
            an attention size is not that of a feature map.
    """

    _order = -1

    def __init__(
        self,
        image_size: ImageSize = 64,
        num_classes: int = 0,
        base_channels: int = 64,
        attention_resolutions: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            image_size=image_size,
            num_classes=num_classes,
            base_channels=base_channels,
            attention_resolutions=attention_resolutions,
            **kwargs,
        )
        sizes = self.feature_sizes()
        blocks = [
            StridedConvolutionBlock(
                self._filters(size), **self._block_options(f"block_{index}")
            )
            for index, size in enumerate(sizes, start=1)
        ]
        self._add_stages(sizes, blocks)
        self.to_logit = tf.keras.layers.Conv2D(
            1, base(self.image_size), name="to_logit", dtype="float32"
        )

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        """Scores images."""
        x = tf.cast(inputs, self.compute_dtype)
        x, scores = self._walk(x, None, return_attention_scores)
        logits = tf.reshape(self.to_logit(x), (-1, 1))
        return (logits, scores) if return_attention_scores else logits
