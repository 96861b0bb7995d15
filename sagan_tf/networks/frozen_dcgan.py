"""An inference copy of the generator of transposed convolutions.

Each kernel is normalized once, and the batch normalization behind it, which is
a scale and a shift by channel, becomes a part of the kernel and of its bias.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers import SelfAttention, TransposedConvolutionBlock
from sagan_tf.networks.dcgan import DCGANGenerator
from sagan_tf.networks.frozen import FrozenGenerator
from sagan_tf.networks.frozen_stages import (
    Attention,
    Constants,
    bias_of,
    kernel_of,
    scale_and_shift,
)


class FrozenDCGANGenerator(FrozenGenerator):
    """A generator for inference only, see `freeze`.

    It is called, and refreshed, like any `FrozenGenerator`.

    Args:
        generator: a built generator.
    """

    def _freeze(self, generator: DCGANGenerator, constants: Constants) -> None:
        self._stages = [
            (Attention if isinstance(stage, SelfAttention) else _Block)(
                size, stage, constants
            )
            for size, stage in generator.stages
        ]
        last = generator.to_rgb
        self._to_rgb = _Transposed(
            constants.add(lambda: kernel_of(last)),
            constants.add(lambda: bias_of(last)),
        )

    def _first_map(self, latents: tf.Tensor) -> tf.Tensor:
        return tf.reshape(latents, (-1, 1, 1, self.latent_dim))

    def _rgb(self, x: tf.Tensor) -> tf.Tensor:
        return self._to_rgb(x)


class _Transposed(tf.Module):
    """A transposed convolution: to a 4x4 map, or to twice the size."""

    def __init__(self, kernel: tf.Variable, bias: tf.Variable):
        super().__init__()
        self._kernel, self._bias = kernel, bias

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        batch, height = tf.shape(inputs)[0], inputs.shape[1]
        starts = height == 1
        size = 4 if starts else 2 * height
        x = tf.nn.conv2d_transpose(
            inputs,
            self._kernel,
            (batch, size, size, self._kernel.shape[2]),
            strides=1 if starts else 2,
            padding="VALID" if starts else "SAME",
        )
        return tf.nn.bias_add(x, self._bias)


class _Block(tf.Module):
    """What `TransposedConvolutionBlock` does."""

    def __init__(
        self,
        size: int,
        block: TransposedConvolutionBlock,
        constants: Constants,
    ):
        super().__init__()
        del size

        def affine() -> list[tf.Tensor]:
            bias = bias_of(block.convolution)
            return tf.unstack(scale_and_shift(block.norm, bias))

        # The output's channels are the last axis but one.
        self._convolution = _Transposed(
            constants.add(
                lambda: (
                    kernel_of(block.convolution) * affine()[0][:, tf.newaxis]
                )
            ),
            constants.add(lambda: affine()[1]),
        )

    def __call__(self, inputs: tf.Tensor, labels: Any, scores: Any) -> Any:
        del labels, scores
        return tf.nn.relu(self._convolution(inputs))
