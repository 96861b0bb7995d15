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


class _StridedBlock(NormalizedLayer):
    """What both blocks share: arguments and the normalized convolution."""

    _convolution_class = tf.keras.layers.Conv2D

    def __init__(
        self,
        filters: int,
        strides: int = 2,
        kernel_size: int | tuple[int, int] = 4,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.kernel_size = kernel_size
        self.convolution = self._normalized(
            self._convolution_class,
            filters,
            kernel_size,
            strides,
            # Without a stride the kernel is as large as a map.
            padding="same" if strides > 1 else "valid",
            name="convolution",
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "strides", "kernel_size")
        return {**super().get_config(), **arguments(self, *names)}


@tf.keras.utils.register_keras_serializable("sagan_tf")
class TransposedConvolutionBlock(_StridedBlock):
    """A transposed convolution, batch normalization, ReLU.

    Reference: Radford et al. (arXiv:1511.06434); spectrally normalized as in
    heykeetae/Self-Attention-GAN.

    Args:
        filters: output channels.
        strides: factor of height and width; with 1 they grow by the kernel's
            size less one.
        kernel_size: side of the kernel, or its height and width.
        batch_norm: how the features are normalized.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, strides * height, strides * width, filters)`, or with
        `strides=1` the size of the map and of the kernel together, less one.
    """

    _convolution_class = tf.keras.layers.Conv2DTranspose

    def __init__(
        self,
        filters: int,
        strides: int = 2,
        kernel_size: int | tuple[int, int] = 4,
        batch_norm: BatchNorm = BatchNorm(),
        **kwargs: Any,
    ):
        super().__init__(filters, strides, kernel_size, **kwargs)
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
    """A convolution and a leaky ReLU.

    Reference: Radford et al. (arXiv:1511.06434); spectrally normalized and
    with a slope of 0.1 as in heykeetae/Self-Attention-GAN.

    Args:
        filters: output channels.
        strides: divisor of height and width; with 1 they shrink by the
            kernel's size less one.
        kernel_size: side of the kernel, or its height and width.
        slope: slope of the ReLU below zero.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height / strides, width / strides, filters)`, or with
        `strides=1` as many positions as the kernel has in the map.
    """

    def __init__(
        self,
        filters: int,
        strides: int = 2,
        kernel_size: int | tuple[int, int] = 4,
        slope: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(filters, strides, kernel_size, **kwargs)
        self.slope = slope

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        return tf.nn.leaky_relu(self.convolution(inputs), self.slope)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "slope": self.slope}
