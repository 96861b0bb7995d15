"""The residual blocks of both networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from sagan_tf.layers.conditional_batch_norm import (
    ConditionalBatchNormalization,
)
from sagan_tf.layers.cpu_kernels import Convolution, rectify_shared
from sagan_tf.layers.normalized_layer import NormalizedLayer
from sagan_tf.layers.options import BatchNorm, arguments
from sagan_tf.layers.resampling import DownsampleConv2D, UpsampleConv2D


class _ResidualBlock(NormalizedLayer):
    """What the residual blocks share: arguments and convolutions."""

    def __init__(
        self, filters: int, fold_resampling: bool = True, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.fold_resampling = fold_resampling

    def _convolution(
        self, name: str, kernel_size: int = 3
    ) -> tf.keras.layers.Layer:
        return self._normalized(
            Convolution, self.filters, kernel_size, name=name
        )

    def _resampling_convolution(
        self, layer_class: type, name: str, kernel_size: int = 3
    ) -> tf.keras.layers.Layer:
        return self._normalized(
            layer_class,
            self.filters,
            kernel_size,
            folded=self.fold_resampling,
            name=name,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "fold_resampling")
        return {**super().get_config(), **arguments(self, *names)}


@tf.keras.utils.register_keras_serializable("sagan_tf")
class ResidualUpBlock(_ResidualBlock):
    """The generator's block: normalizes by class and doubles the resolution.

    Conditional batch normalization, ReLU, nearest upsampling, 3x3 convolution;
    conditional batch normalization, ReLU, 3x3 convolution; plus a 1x1
    convolution of the upsampled input. Convolutions are spectrally normalized.

    Reference: Miyato and Koyama, "cGANs with Projection Discriminator"
    (arXiv:1802.05637), figure 14; the release of SAGAN (arXiv:1805.08318).

    Args:
        filters: output channels.
        num_classes: number of classes; 0 for plain batch normalization.
        batch_norm: how the features are normalized.
        fold_resampling: whether upsampling is folded into the convolutions.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, alone if `num_classes` is
            0, else in a pair with `labels` `(batch,)`.

    Returns:
        `(batch, 2 * height, 2 * width, filters)`.
    """

    def __init__(
        self,
        filters: int,
        num_classes: int = 0,
        batch_norm: BatchNorm = BatchNorm(),
        **kwargs: Any,
    ):
        super().__init__(filters, **kwargs)
        self.num_classes = num_classes
        self.batch_norm = BatchNorm.of(batch_norm)
        self.norm_1 = self._batch_normalization("norm_1")
        self.conv_1 = self._resampling_convolution(UpsampleConv2D, "conv_1")
        self.norm_2 = self._batch_normalization("norm_2")
        self.conv_2 = self._convolution("conv_2")
        self.shortcut = self._resampling_convolution(
            UpsampleConv2D, "shortcut", kernel_size=1
        )

    def _batch_normalization(self, name: str) -> tf.keras.layers.Layer:
        return ConditionalBatchNormalization(
            self.num_classes,
            **dataclasses.asdict(self.batch_norm),
            name=name,
            dtype=self.dtype_policy,
        )

    def call(self, inputs: Any) -> tf.Tensor:
        """Runs the block."""
        features, *labels = inputs if self.num_classes else (inputs,)

        def normalize(layer: tf.keras.layers.Layer, x: tf.Tensor) -> tf.Tensor:
            return layer([x, *labels] if labels else x)

        x = tf.nn.relu(normalize(self.norm_1, features))
        x = self.conv_1(x)
        x = tf.nn.relu(normalize(self.norm_2, x))
        x = self.conv_2(x)
        return x + self.shortcut(features)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("num_classes", "batch_norm")
        return {**super().get_config(), **arguments(self, *names)}


@tf.keras.utils.register_keras_serializable("sagan_tf")
class ResidualDownBlock(_ResidualBlock):
    """The discriminator's block: two convolutions, then mean pooling.

    ReLU, 3x3 convolution, ReLU, 3x3 convolution, mean of 2x2 squares; plus a
    1x1 convolution of the input, pooled as well. Convolutions are spectrally
    normalized. Without `downsample` nothing is pooled, and the shortcut has a
    convolution only where the number of channels changes.

    Reference: Miyato and Koyama, "cGANs with Projection Discriminator"
    (arXiv:1802.05637), figure 14; the release of SAGAN (arXiv:1805.08318).

    Args:
        filters: output channels.
        downsample: whether to halve the resolution.
        leading_relu: whether the block starts with a ReLU; the first block of
            a network, which sees pixels, does not.
        rectified_shortcut: whether the shortcut sees the input behind that
            ReLU, as in PyTorch-StudioGAN, whose ReLU works in place.
        fold_resampling: whether pooling is folded into the convolutions.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height / 2, width / 2, filters)`, or with the input's height
        and width without `downsample`.
    """

    def __init__(
        self,
        filters: int,
        downsample: bool = True,
        leading_relu: bool = True,
        rectified_shortcut: bool = False,
        **kwargs: Any,
    ):
        super().__init__(filters, **kwargs)
        self.rectified_shortcut = rectified_shortcut
        self.downsample = downsample
        self.leading_relu = leading_relu
        self.conv_1 = self._convolution("conv_1")
        if downsample:
            self.conv_2 = self._resampling_convolution(
                DownsampleConv2D, "conv_2"
            )
        else:
            self.conv_2 = self._convolution("conv_2")

    def build(self, input_shape: Any) -> None:
        """Creates the shortcut, which depends on the input's channels."""
        self.shortcut = None
        if self.downsample:
            self.shortcut = self._resampling_convolution(
                DownsampleConv2D, "shortcut", kernel_size=1
            )
        elif tf.TensorShape(input_shape)[-1] != self.filters:
            self.shortcut = self._convolution("shortcut", kernel_size=1)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        x = rectify_shared(inputs) if self.leading_relu else inputs
        if self.rectified_shortcut:
            inputs = x
        x = tf.nn.relu(self.conv_1(x))
        x = self.conv_2(x)
        if self.shortcut is None:
            return x + inputs
        return x + self.shortcut(inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("downsample", "leading_relu", "rectified_shortcut")
        return {**super().get_config(), **arguments(self, *names)}
