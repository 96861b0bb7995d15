"""Convolutions with nearest upsampling or mean pooling folded in."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers.cpu_kernels import convolve, convolve_transposed
from sagan_tf.layers.folded_kernels import pooled_kernel, transposed_kernel
from sagan_tf.layers.options import arguments


def upsample(images: tf.Tensor) -> tf.Tensor:
    """Repeats each pixel twice in both directions.

    Args:
        images: `(batch, height, width, channels)`.

    Returns:
        `(batch, 2 * height, 2 * width, channels)`.
    """

    @tf.custom_gradient
    def repeat(images: tf.Tensor) -> tuple[tf.Tensor, Any]:
        height, width = (
            images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2)
        )
        repeated = tf.tile(images[:, :, tf.newaxis], (1, 1, 2, 1, 2))
        shape = (-1, 2 * height, 2 * width, images.shape[-1])
        # The sum of each square by pooling: a sum over two axes of a tensor of
        # six takes eight times as long.
        return tf.reshape(
            repeated, shape
        ), lambda upstream: 4.0 * mean_pool(upstream)

    return repeat(images)


def mean_pool(images: tf.Tensor) -> tf.Tensor:
    """Takes the mean of each 2x2 square.

    Args:
        images: `(batch, height, width, channels)`, height and width even.

    Returns:
        `(batch, height / 2, width / 2, channels)`.
    """
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")


class _ResamplingConv2D(tf.keras.layers.Layer):
    """What the two resampling convolutions share: kernel, bias, contract."""

    # SpectralNormalization hands over its kernel in float32: a folded kernel
    # is summed in float32 and cast last.
    casts_kernel = True

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        use_bias: bool = True,
        folded: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if kernel_size not in (1, 3):
            raise ValueError(
                f"`kernel_size` should be 1 or 3. Received: {kernel_size}"
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.folded = folded
        self.kernel_initializer = tf.keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Any) -> None:
        """Creates the kernel and the bias."""
        channels = tf.TensorShape(input_shape)[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
            experimental_autocast=False,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros"
            )
        super().build(input_shape)

    def _convolve(self, inputs: tf.Tensor) -> tf.Tensor:
        return convolve(inputs, tf.cast(self.kernel, inputs.dtype))

    def _precise_kernel(self) -> tf.Tensor:
        """Returns the kernel in float32 or more: it is summed, then cast."""
        if self.kernel.dtype == tf.float64:
            return tf.convert_to_tensor(self.kernel)
        return tf.cast(self.kernel, tf.float32)

    def _add_bias(self, outputs: tf.Tensor) -> tf.Tensor:
        if self.bias is None:
            return outputs
        return tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "kernel_size", "use_bias", "folded")
        return {
            **super().get_config(),
            **arguments(self, *names),
            "kernel_initializer": tf.keras.initializers.serialize(
                self.kernel_initializer
            ),
        }


@tf.keras.utils.register_keras_serializable("sagan_tf")
class UpsampleConv2D(_ResamplingConv2D):
    """Doubles height and width by repetition, then convolves.

    Args:
        filters: output channels.
        kernel_size: 1 or 3; stride 1, zero padding.
        use_bias: whether a bias is added.
        folded: whether to compute it as one transposed convolution (or, for
            `kernel_size=1`, before the repetition): the same result up to
            rounding, at less than half the cost.
        kernel_initializer: initializer of the kernel
            `(kernel_size, kernel_size, in_channels, filters)`.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, in_channels)`.

    Returns:
        `(batch, 2 * height, 2 * width, filters)`.

    Raises:
        ValueError: if `kernel_size` is neither 1 nor 3.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Upsamples and convolves."""
        if not self.folded:
            return self._add_bias(self._convolve(upsample(inputs)))
        if self.kernel_size == 1:
            return upsample(self._add_bias(self._convolve(inputs)))
        kernel = transposed_kernel(self._precise_kernel())
        kernel = tf.cast(kernel, inputs.dtype)
        return self._add_bias(convolve_transposed(inputs, kernel))

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns `(batch, 2 * height, 2 * width, filters)`."""
        batch, height, width, _ = tf.TensorShape(input_shape).as_list()
        height, width = (n and 2 * n for n in (height, width))
        return tf.TensorShape((batch, height, width, self.filters))


@tf.keras.utils.register_keras_serializable("sagan_tf")
class DownsampleConv2D(_ResamplingConv2D):
    """Convolves, then takes the mean of each 2x2 square.

    Args:
        filters: output channels.
        kernel_size: 1 or 3; stride 1, zero padding.
        use_bias: whether a bias is added.
        folded: whether to compute it as one convolution of stride 2 (or, for
            `kernel_size=1`, after the mean): the same result up to rounding,
            at less than half the cost.
        kernel_initializer: initializer of the kernel
            `(kernel_size, kernel_size, in_channels, filters)`.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, in_channels)`, height and width even.

    Returns:
        `(batch, height / 2, width / 2, filters)`.

    Raises:
        ValueError: if `kernel_size` is neither 1 nor 3, or height or width
            is odd.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves and pools."""
        height, width = inputs.shape[1:3]
        if (height or 0) % 2 or (width or 0) % 2:
            raise ValueError(
                "`inputs` should have even height and width. "
                f"Received: {height} x {width}"
            )
        if not self.folded:
            return mean_pool(self._add_bias(self._convolve(inputs)))
        if self.kernel_size == 1:
            return self._add_bias(self._convolve(mean_pool(inputs)))
        kernel = tf.cast(pooled_kernel(self._precise_kernel()), inputs.dtype)
        return self._add_bias(convolve(inputs, kernel, stride=2))

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns `(batch, height / 2, width / 2, filters)`."""
        batch, height, width, _ = tf.TensorShape(input_shape).as_list()
        height, width = (n and n // 2 for n in (height, width))
        return tf.TensorShape((batch, height, width, self.filters))
