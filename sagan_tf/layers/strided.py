"""Blocks of one strided convolution, those of DCGAN."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers.conditional_batch_norm import (
    ConditionalBatchNormalization,
)
from sagan_tf.layers.spectral_normalization import normalized_if

_KERNEL_SIZE = 4


class _StridedBlock(tf.keras.layers.Layer):
    """What both blocks share: arguments and the normalized convolution."""

    _convolution_class = tf.keras.layers.Conv2D

    def __init__(
        self,
        filters: int,
        strides: int = 2,
        spectral_normalization: bool = True,
        spectral_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.spectral_normalization = spectral_normalization
        self.spectral_options = dict(spectral_options or {})
        convolution = self._convolution_class(
            filters,
            _KERNEL_SIZE,
            strides,
            # Without a stride a kernel of 4 would not keep the size.
            padding="same" if strides > 1 else "valid",
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.convolution = normalized_if(
            spectral_normalization, convolution, self.spectral_options
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.update(
            filters=self.filters,
            strides=self.strides,
            spectral_normalization=self.spectral_normalization,
            spectral_options=dict(self.spectral_options),
        )
        return config


@tf.keras.utils.register_keras_serializable("sagan_tf")
class TransposedConvolutionBlock(_StridedBlock):
    """A transposed 4x4 convolution, batch normalization, ReLU.

    Reference: Radford et al. (arXiv:1511.06434); spectrally normalized as in
    heykeetae/Self-Attention-GAN.

    Args:
        filters: output channels.
        strides: factor of height and width; with 1 they grow by 3.
        momentum: decay of the moving statistics, in [0, 1).
        norm_epsilon: added to the variance by the normalization.
        synchronized_norm: whether replicas share their batch statistics.
        spectral_normalization: whether the kernel is normalized.
        spectral_options: further arguments of `SpectralNormalization`.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

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
        momentum: float = 0.999,
        norm_epsilon: float = 1e-5,
        synchronized_norm: bool = True,
        **kwargs: Any,
    ):
        super().__init__(filters, strides, **kwargs)
        self.momentum = momentum
        self.norm_epsilon = norm_epsilon
        self.synchronized_norm = synchronized_norm
        self.norm = ConditionalBatchNormalization(
            momentum=momentum,
            epsilon=norm_epsilon,
            synchronized=synchronized_norm,
            name="norm",
            dtype=self.dtype_policy,
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        return tf.nn.relu(self.norm(self.convolution(inputs)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.update(
            momentum=self.momentum,
            norm_epsilon=self.norm_epsilon,
            synchronized_norm=self.synchronized_norm,
        )
        return config


@tf.keras.utils.register_keras_serializable("sagan_tf")
class StridedConvolutionBlock(_StridedBlock):
    """A 4x4 convolution and a leaky ReLU.

    Reference: Radford et al. (arXiv:1511.06434); spectrally normalized and
    with a slope of 0.1 as in heykeetae/Self-Attention-GAN.

    Args:
        filters: output channels.
        strides: divisor of height and width; with 1 they shrink by 3.
        slope: slope of the ReLU below zero.
        spectral_normalization: whether the kernel is normalized.
        spectral_options: further arguments of `SpectralNormalization`.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

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
