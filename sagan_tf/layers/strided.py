"""Blocks of one strided convolution, those of DCGAN."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from sagan_tf.layers.conditional_batch_norm import (
    ConditionalBatchNormalization,
)
from sagan_tf.layers.normalized_layer import NormalizedLayer
from sagan_tf.layers.options import BatchNorm, arguments

_KERNEL_SIZE = 4


class _StridedBlock(NormalizedLayer):
    """What both blocks share: arguments and the normalized convolution."""

    _convolution_class = tf.keras.layers.Conv2D

    def __init__(self, filters: int, strides: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.convolution = self._normalized(
            self._convolution_class,
            filters,
            _KERNEL_SIZE,
            strides,
            # Without a stride a kernel of 4 would not keep the size.
            padding="same" if strides > 1 else "valid",
            name="convolution",
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **arguments(self, "filters", "strides")}


@tf.keras.utils.register_keras_serializable("sagan_tf")
class TransposedConvolutionBlock(_StridedBlock):
    """A transposed 4x4 convolution, batch normalization, ReLU.

    Reference: Radford et al. (arXiv:1511.06434); spectrally normalized as in
    heykeetae/Self-Attention-GAN.

    Args:
        filters: output channels.
        strides: factor of height and width; with 1 they grow by 3.
        batch_norm: how the features are normalized.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, strides * height, strides * width, filters)`, or with
        `strides=1` `(batch, height + 3, width + 3, filters)`.
    """

    _convolution_class = tf.keras.layers.Conv2DTranspose

    def __init__(
        self,
        filters: int,
        strides: int = 2,
        batch_norm: BatchNorm = BatchNorm(),
        **kwargs: Any,
    ):
        super().__init__(filters, strides, **kwargs)
        self.batch_norm = BatchNorm.of(batch_norm)
        self.norm = ConditionalBatchNormalization(
            **dataclasses.asdict(self.batch_norm),
            name="norm",
            dtype=self.dtype_policy,
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        return tf.nn.relu(self.norm(self.convolution(inputs)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **arguments(self, "batch_norm")}


@tf.keras.utils.register_keras_serializable("sagan_tf")
class StridedConvolutionBlock(_StridedBlock):
    """A 4x4 convolution and a leaky ReLU.

    Reference: Radford et al. (arXiv:1511.06434); spectrally normalized and
    with a slope of 0.1 as in heykeetae/Self-Attention-GAN.

    Args:
        filters: output channels.
        strides: divisor of height and width; with 1 they shrink by 3.
        slope: slope of the ReLU below zero.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height / strides, width / strides, filters)`, or with
        `strides=1` `(batch, height - 3, width - 3, filters)`.
    """

    def __init__(
        self, filters: int, strides: int = 2, slope: float = 0.1, **kwargs: Any
    ):
        super().__init__(filters, strides, **kwargs)
        self.slope = slope

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        return tf.nn.leaky_relu(self.convolution(inputs), self.slope)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "slope": self.slope}
