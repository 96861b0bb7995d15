"""The parts of a frozen generator: constants, and what stages do with them."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

from sagan_tf.layers import (
    ConditionalBatchNormalization,
    ResidualReplacement,
    ResidualUpBlock,
    SelfAttention,
    SpectralNormalization,
)
from sagan_tf.layers.dot_product_attention import attend
from sagan_tf.layers.resampling import transposed_kernel, upsample


class Constants:
    """Makes variables that can be computed anew."""

    def __init__(self, dtype: tf.DType):
        self._dtype = dtype
        self._sources: list[tuple[tf.Variable, Callable[[], tf.Tensor]]] = []

    def add(self, compute: Callable[[], tf.Tensor]) -> tf.Variable:
        """Returns a variable that holds what a function returns."""
        variable = tf.Variable(tf.cast(compute(), self._dtype), trainable=False)
        self._sources.append((variable, compute))
        return variable

    def refresh(self) -> None:
        """Reads the generator anew."""
        for variable, compute in self._sources:
            variable.assign(tf.cast(compute(), self._dtype))


class Affine(tf.Module):
    """A kernel and a bias."""

    def __init__(
        self, layer: tf.keras.layers.Layer, constants: Constants
    ) -> None:
        super().__init__()
        self.kernel = constants.add(lambda: kernel_of(layer))
        self.bias = constants.add(lambda: bias_of(layer))

    def dense(self, x: tf.Tensor) -> tf.Tensor:
        """Runs a dense layer."""
        return tf.nn.bias_add(tf.matmul(x, self.kernel), self.bias)

    def convolve(self, x: tf.Tensor) -> tf.Tensor:
        """Runs a convolution."""
        return tf.nn.bias_add(_convolve(x, self.kernel), self.bias)


class OutputNorm(tf.Module):
    """The normalization and the ReLU behind the last stage."""

    def __init__(
        self, norm: ConditionalBatchNormalization, constants: Constants
    ) -> None:
        super().__init__()
        self._norm = constants.add(lambda: scale_and_shift(norm))

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
        """Runs the stage; attention puts its weights into `scores`."""
        del labels, scores
        return _normalize(inputs, self._norm, None)


class UpBlock(tf.Module):
    """What `ResidualUpBlock` does, and the normalization and ReLU behind it.

    A normalization without classes behind the block, if there is one, scales
    the block's last kernels, and its shift is a part of the bias.
    """

    def __init__(
        self,
        size: int,
        block: ResidualUpBlock,
        constants: Constants,
        norm: ConditionalBatchNormalization | None = None,
    ) -> None:
        super().__init__()
        self._filters = block.filters
        self._rectifies = norm is not None

        def affine() -> list[tf.Tensor]:
            if norm is None:
                return [tf.ones((self._filters,)), tf.zeros((self._filters,))]
            return tf.unstack(scale_and_shift(norm))

        self._norm_1 = constants.add(lambda: scale_and_shift(block.norm_1))
        self._kernel_1 = constants.add(
            lambda: transposed_kernel(kernel_of(block.conv_1))
        )
        self._norm_2 = constants.add(
            lambda: scale_and_shift(block.norm_2, bias_of(block.conv_1))
        )
        self._kernel_2 = constants.add(
            lambda: kernel_of(block.conv_2) * affine()[0]
        )
        self._shortcut = constants.add(
            lambda: kernel_of(block.shortcut) * affine()[0]
        )

        def bias() -> tf.Tensor:
            scale, shift = affine()
            return (
                bias_of(block.conv_2) + bias_of(block.shortcut)
            ) * scale + shift

        self._bias = constants.add(bias)

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
        """Runs the stage; attention puts its weights into `scores`."""
        del scores
        x = _normalize(inputs, self._norm_1, labels)
        batch, height, width = tf.unstack(tf.shape(inputs)[:3])
        x = tf.nn.conv2d_transpose(
            x,
            self._kernel_1,
            (batch, 2 * height, 2 * width, self._filters),
            strides=2,
            padding="SAME",
        )
        x = _convolve(_normalize(x, self._norm_2, labels), self._kernel_2)
        shortcut = upsample(_convolve(inputs, self._shortcut))
        # The bias stands here, though the shortcut's map is smaller, because
        # TensorFlow runs a convolution, a bias and a sum as one operation.
        x = tf.nn.bias_add(x, self._bias) + shortcut
        return tf.nn.relu(x) if self._rectifies else x


class Attention(tf.Module):
    """What `SelfAttention` does."""

    def __init__(
        self, size: int, layer: SelfAttention, constants: Constants
    ) -> None:
        super().__init__()
        self._size = size
        self._pooled, self._max_scores = layer.pooled, layer.max_scores
        parts = (layer.query, layer.key, layer.value)
        self._widths = [kernel_of(part).shape[-1] for part in parts]
        self._kernel = constants.add(
            lambda: tf.concat([kernel_of(part) for part in parts], -1)
        )
        self._bias = constants.add(
            lambda: tf.concat([bias_of(part) for part in parts], -1)
        )
        self._output = self._output_bias = None
        output = layer.output_convolution
        if output is None:
            self._gate = constants.add(lambda: layer.gate)
        else:
            self._output = constants.add(lambda: layer.gate * kernel_of(output))
            self._output_bias = constants.add(
                lambda: layer.gate * bias_of(output)
            )

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
        """Runs the stage; attention puts its weights into `scores`."""
        del labels
        x = tf.nn.bias_add(_convolve(inputs, self._kernel), self._bias)
        query, key, value = tf.split(x, self._widths, axis=-1)
        limit = self._max_scores if scores is None else None
        found, weights = attend(query, key, value, self._pooled, limit)
        if scores is not None:
            scores[self._size] = weights
        if self._output is None:
            return inputs + self._gate * found
        found = tf.nn.bias_add(
            _convolve(found, self._output), self._output_bias
        )
        return inputs + found


class Replacement(tf.Module):
    """What `ResidualReplacement` does."""

    def __init__(
        self, size: int, layer: ResidualReplacement, constants: Constants
    ) -> None:
        super().__init__()
        del size
        self._reduce = constants.add(lambda: kernel_of(layer.reduce))
        self._expand = constants.add(
            lambda: layer.gate * kernel_of(layer.expand)
        )

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
        """Runs the stage; attention puts its weights into `scores`."""
        del labels, scores
        x = tf.nn.relu(_convolve(tf.nn.relu(inputs), self._reduce))
        return inputs + _convolve(x, self._expand)


FROZEN = {
    ResidualUpBlock: UpBlock,
    SelfAttention: Attention,
    ResidualReplacement: Replacement,
}


def kernel_of(layer: tf.keras.layers.Layer) -> tf.Tensor:
    """The kernel, over its norm if it is normalized, float32."""
    if isinstance(layer, SpectralNormalization):
        return layer.normalized_kernel(training=False)
    return tf.cast(layer.kernel, tf.float32)


def bias_of(layer: tf.keras.layers.Layer) -> tf.Tensor:
    """The bias, zeros if there is none, float32."""
    if isinstance(layer, SpectralNormalization):
        layer = layer.layer
    if layer.bias is None:
        return tf.zeros((layer.kernel.shape[-1],))
    return tf.cast(layer.bias, tf.float32)


def scale_and_shift(
    norm: ConditionalBatchNormalization, bias: Any = 0.0
) -> tf.Tensor:
    """The normalization of `x + bias` as `([classes,] 2, channels)`."""
    gain, shift = norm.tables()
    scale = gain * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    shift = shift + (bias - norm.moving_mean) * scale
    return tf.stack((scale, shift), axis=-2)


def _normalize(x: tf.Tensor, affine: tf.Variable, labels: Any) -> tf.Tensor:
    """Scales, shifts and rectifies."""
    if affine.shape.rank == 3:
        affine = tf.gather(affine, labels)[:, :, tf.newaxis, tf.newaxis]
        scale, shift = affine[:, 0], affine[:, 1]
    else:
        scale, shift = tf.unstack(affine)
    return tf.nn.relu(x * scale + shift)


def _convolve(x: tf.Tensor, kernel: tf.Variable) -> tf.Tensor:
    return tf.nn.conv2d(x, kernel, strides=1, padding="SAME")
