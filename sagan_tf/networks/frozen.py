"""An inference copy of a generator, with every kernel prepared once.

A generator that trains divides each kernel by its norm, and folds the
upsampling into it, in every call. Here both are done once, and so is what
inference allows besides: a normalization is one scale and one shift by class,
the bias ahead of it is a part of that shift, both biases at the end of a block
are one, the attention's query, key and value are one convolution, and the gate
is a factor of its last one.
"""

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
from sagan_tf.networks.resnet import Generator


class FrozenGenerator(tf.Module):
    """A generator for inference only, see `freeze`.

    Its constants are variables that are not trainable, in the dtype that the
    network computes in, so that a traced function sees what `refresh` reads.
    They alone are what a SavedModel of it holds.

    Args:
        generator: a built generator.

    Attributes:
        image_size, num_classes, latent_dim: those of the generator.

    Call arguments:
        inputs: latents `(batch, latent_dim)`, or with classes a pair with
            labels `(batch,)` in `[0, num_classes)`.
        training: only False, which it is by default.
        return_attention_scores: whether to return the attention weights too.

    Returns:
        Pictures `(batch, image_size, image_size, 3)`, float32 in [-1, 1]; with
        `return_attention_scores=True` also a dictionary from map size to
        weights `(batch, queries, keys)`.

    Raises:
        ValueError: if `training` is true.
    """

    def __init__(self, generator: Generator):
        super().__init__(name="frozen_generator")
        self.image_size = generator.image_size
        self.num_classes = generator.num_classes
        self.latent_dim = generator.latent_dim
        self._dtype = tf.as_dtype(generator.compute_dtype)
        constants = _Constants(self._dtype)
        self._dense = _Affine(generator.dense, constants)
        self._norm = constants.add(lambda: _scale_and_shift(generator.norm))
        self._to_rgb = _Affine(generator.to_rgb, constants)
        self._stages = [
            _FROZEN[type(stage)](size, stage, constants)
            for size, stage in generator.stages
        ]
        # A function, not a tracked attribute: a SavedModel shall not hold the
        # generator's own weights.
        self.refresh = constants.refresh

    def __call__(
        self,
        inputs: Any,
        training: Any = False,
        return_attention_scores: bool = False,
    ) -> Any:
        """Draws pictures."""
        check_inference(training)
        latents, labels = inputs if self.num_classes else (inputs, None)
        x = self._dense.dense(tf.cast(latents, self._dtype))
        x = tf.reshape(x, (-1, 4, 4, x.shape[-1] // 16))
        scores = {} if return_attention_scores else None
        for stage in self._stages:
            x = stage(x, labels, scores)
        x = self._to_rgb.convolve(_normalize(x, self._norm, None))
        images = tf.tanh(tf.cast(x, tf.float32))
        return (images, scores) if return_attention_scores else images


def check_inference(training: Any) -> None:
    """Refuses to train.

    Raises:
        ValueError: if `training` is true.
    """
    if training:
        raise ValueError(
            "`training` should be False: a frozen generator is for inference. "
            f"Received: {training}"
        )


class _Constants:
    """Makes variables that can be computed anew."""

    def __init__(self, dtype: tf.DType):
        self._dtype = dtype
        self._sources: list[
            tuple[tf.Variable, Callable[[], tf.Tensor], tf.DType]
        ] = []

    def add(
        self, compute: Callable[[], tf.Tensor], dtype: Any = None
    ) -> tf.Variable:
        """Returns a variable that holds what a function returns."""
        dtype = tf.as_dtype(dtype or self._dtype)
        variable = tf.Variable(tf.cast(compute(), dtype), trainable=False)
        self._sources.append((variable, compute, dtype))
        return variable

    def refresh(self) -> None:
        """Reads the generator anew."""
        for variable, compute, dtype in self._sources:
            variable.assign(tf.cast(compute(), dtype))


class _Affine(tf.Module):
    """A kernel and a bias."""

    def __init__(
        self, layer: tf.keras.layers.Layer, constants: _Constants
    ) -> None:
        super().__init__()
        self.kernel = constants.add(lambda: _kernel(layer))
        self.bias = constants.add(lambda: _bias(layer))

    def dense(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.matmul(x, self.kernel), self.bias)

    def convolve(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(_convolve(x, self.kernel), self.bias)


class _UpBlock(tf.Module):
    """What `ResidualUpBlock` does."""

    def __init__(
        self, size: int, block: ResidualUpBlock, constants: _Constants
    ) -> None:
        super().__init__()
        self._filters = block.filters
        self._norm_1 = constants.add(lambda: _scale_and_shift(block.norm_1))
        self._kernel_1 = constants.add(
            lambda: transposed_kernel(_kernel(block.conv_1))
        )
        self._norm_2 = constants.add(
            lambda: _scale_and_shift(block.norm_2, _bias(block.conv_1))
        )
        self._kernel_2 = constants.add(lambda: _kernel(block.conv_2))
        self._shortcut = constants.add(lambda: _kernel(block.shortcut))
        self._bias = constants.add(
            lambda: _bias(block.conv_2) + _bias(block.shortcut)
        )

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
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
        shortcut = _convolve(inputs, self._shortcut)
        return x + upsample(tf.nn.bias_add(shortcut, self._bias))


class _Attention(tf.Module):
    """What `SelfAttention` does."""

    def __init__(
        self, size: int, layer: SelfAttention, constants: _Constants
    ) -> None:
        super().__init__()
        self._size = size
        self._pooled, self._max_scores = layer.pooled, layer.max_scores
        parts = (layer.query, layer.key, layer.value)
        self._widths = [_kernel(part).shape[-1] for part in parts]
        self._kernel = constants.add(
            lambda: tf.concat([_kernel(part) for part in parts], -1)
        )
        self._bias = constants.add(
            lambda: tf.concat([_bias(part) for part in parts], -1)
        )
        self._output = self._output_bias = None
        output = layer.output_convolution
        if output is None:
            self._gate = constants.add(lambda: layer.gate)
        else:
            self._output = constants.add(lambda: layer.gate * _kernel(output))
            self._output_bias = constants.add(
                lambda: layer.gate * _bias(output)
            )

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
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


class _Replacement(tf.Module):
    """What `ResidualReplacement` does."""

    def __init__(
        self, size: int, layer: ResidualReplacement, constants: _Constants
    ) -> None:
        super().__init__()
        del size
        self._reduce = constants.add(lambda: _kernel(layer.reduce))
        self._expand = constants.add(lambda: layer.gate * _kernel(layer.expand))

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
        del labels, scores
        x = tf.nn.relu(_convolve(tf.nn.relu(inputs), self._reduce))
        return inputs + _convolve(x, self._expand)


_FROZEN = {
    ResidualUpBlock: _UpBlock,
    SelfAttention: _Attention,
    ResidualReplacement: _Replacement,
}


def _kernel(layer: tf.keras.layers.Layer) -> tf.Tensor:
    if isinstance(layer, SpectralNormalization):
        return layer.normalized_kernel(training=False)
    return tf.cast(layer.kernel, tf.float32)


def _bias(layer: tf.keras.layers.Layer) -> tf.Tensor:
    if isinstance(layer, SpectralNormalization):
        layer = layer.layer
    if layer.bias is None:
        return tf.zeros((layer.kernel.shape[-1],))
    return tf.cast(layer.bias, tf.float32)


def _scale_and_shift(
    norm: ConditionalBatchNormalization, bias: Any = 0.0
) -> tf.Tensor:
    """The normalization of `x + bias` as `([classes,] 2, channels)`."""
    gain, shift = norm.tables()
    scale = gain * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
    shift += (bias - norm.moving_mean) * scale
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
