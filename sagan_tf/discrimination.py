"""What a discriminator says of real and of generated pictures."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

Labelled = tuple[tf.Tensor, tf.Tensor]


def with_labels(
    network: tf.keras.Model, inputs: tf.Tensor, labels: tf.Tensor
) -> Any:
    """Returns what a network takes: a pair only if it has classes."""
    return [inputs, labels] if network.num_classes else inputs


def discriminate(
    discriminator: tf.keras.Model,
    real: Labelled,
    fake: Labelled,
    separately: bool = False,
) -> Sequence[tf.Tensor]:
    """Logits of real and of generated pictures, in training.

    Args:
        discriminator: a network from pictures, and labels, to logits.
        real: real pictures `(batch, height, width, 3)` and their labels
            `(batch,)`.
        fake: generated ones, as many.
        separately: whether the real and the fake half run one after the other,
            of which the first moves the vectors of spectral normalization; by
            default both go through one pass.

    Returns:
        Two tensors of logits `(batch, 1)`.
    """
    if separately:
        return (
            discriminator(with_labels(discriminator, *real), training=True),
            discriminator(with_labels(discriminator, *fake), training=False),
        )
    both = [tf.concat(pair, 0) for pair in zip(real, fake)]
    logits = discriminator(with_labels(discriminator, *both), training=True)
    return tf.split(logits, 2)
