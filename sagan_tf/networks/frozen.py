"""An inference copy of a generator, with every kernel prepared once.

A generator that trains divides each kernel by its norm, and folds the
upsampling into it, in every call. Here both are done once, and so is what
inference allows besides: a normalization is one scale and one shift by class,
the bias ahead of it is a part of that shift, both biases at the end of a block
are one, the attention's query, key and value are one convolution, and the gate
is a factor of its last one.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers import ResidualUpBlock
from sagan_tf.networks.frozen_stages import (
    FROZEN,
    Affine,
    Constants,
    OutputNorm,
    UpBlock,
)
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
        constants = Constants(self._dtype)
        self._freeze(generator, constants)
        # A function, not a tracked attribute: a SavedModel shall not hold the
        # generator's own weights.
        self.refresh = constants.refresh

    def _freeze(self, generator: Generator, constants: Constants) -> None:
        """Prepares what stands before, between and behind the stages."""
        self._dense = Affine(generator.dense, constants)
        self._to_rgb = Affine(generator.to_rgb, constants)
        *stages, (last_size, last) = generator.stages
        self._stages = [
            FROZEN[type(stage)](size, stage, constants)
            for size, stage in stages
        ]
        if isinstance(last, ResidualUpBlock):
            self._stages.append(
                UpBlock(last_size, last, constants, generator.norm)
            )
        else:
            self._stages.append(FROZEN[type(last)](last_size, last, constants))
            self._stages.append(OutputNorm(generator.norm, constants))

    def _first_map(self, latents: tf.Tensor) -> tf.Tensor:
        x = self._dense.dense(latents)
        return tf.reshape(x, (-1, 4, 4, x.shape[-1] // 16))

    def _rgb(self, x: tf.Tensor) -> tf.Tensor:
        return self._to_rgb.convolve(x)

    def __call__(
        self,
        inputs: Any,
        training: Any = False,
        return_attention_scores: bool = False,
    ) -> Any:
        """Draws pictures."""
        if training:
            raise ValueError(
                "`training` should be False: a frozen generator is for "
                f"inference. Received: {training}"
            )
        latents, labels = inputs if self.num_classes else (inputs, None)
        x = self._first_map(tf.cast(latents, self._dtype))
        scores = {} if return_attention_scores else None
        for stage in self._stages:
            x = stage(x, labels, scores)
        images = tf.tanh(tf.cast(self._rgb(x), tf.float32))
        return (images, scores) if return_attention_scores else images
