"""What a discriminator says of real and of generated pictures."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

from sagan_tf.gan import losses

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


def discriminator_loss(
    discriminator: tf.keras.Model,
    loss: losses.AdversarialLoss,
    real: Labelled,
    fake: Labelled,
    shares: tf.Tensor | None = None,
    separately: bool = False,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Loss, with its penalty, and both mean logits: three scalars.

    Args:
        discriminator: a network from pictures, and labels, to logits.
        loss: what to compute.
        real: as `discriminate` takes it.
        fake: as `discriminate` takes it.
        shares: as `gradient_penalty` takes it; for a loss with a penalty.
        separately: as `discriminate` takes it.
    """
    real_logits, fake_logits = discriminate(
        discriminator, real, fake, separately
    )
    value = loss.discriminator(real_logits, fake_logits)
    if loss.penalty_weight:
        value += loss.penalty_weight * gradient_penalty(
            discriminator, real, fake[0], shares
        )
    return value, tf.reduce_mean(real_logits), tf.reduce_mean(fake_logits)


def gradient_penalty(
    discriminator: tf.keras.Model,
    real: Labelled,
    fakes: tf.Tensor,
    shares: tf.Tensor,
) -> tf.Tensor:
    """Penalty on the slope between real and generated pictures.

    The mixtures have the labels of their real pictures. They, the gradient's
    norm and the penalty are float32 whatever the network computes in.

    Args:
        discriminator: a network from pictures, and labels, to logits.
        real: real pictures and their labels.
        fakes: generated ones, as many.
        shares: `(batch,)` in [0, 1], the real picture's share of each mixture.

    Returns:
        A scalar that `losses.gradient_penalty` explains.
    """
    images, labels = real
    mixed = losses.interpolate(images, fakes, shares)
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        # Each logit depends on its own picture alone.
        logits = tf.reduce_sum(
            discriminator(with_labels(discriminator, mixed, labels))
        )
    return losses.gradient_penalty(tape.gradient(logits, mixed))
