"""Logits of real and of generated images, and the loss of both."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

from sagan_tf.gan import losses

Labelled = tuple[tf.Tensor, tf.Tensor]
# Of what `discriminator_loss` returns; the last only if there is a penalty.
NAMES = ("d_loss", "d_real", "d_fake", "d_real_sign", "gradient_penalty")


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
    """Returns logits of real and of generated images, in training.

    Args:
        discriminator: a network from images, and labels, to logits.
        real: real images `(batch, height, width, channels)` and their labels
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
    shares: tf.Tensor,
    separately: bool = False,
) -> tuple[tf.Tensor, ...]:
    """Returns what `NAMES` lists, as scalars.

    That is the loss, with its penalty; the mean logits of real and of generated
    images; the mean sign of real ones'; and the penalty, without its weight, if
    the loss has one.

    Args:
        discriminator: a network from images, and labels, to logits.
        loss: what to compute.
        real: as `discriminate` takes it.
        fake: as `discriminate` takes it.
        shares: `(batch,)`, as a penalty takes them.
        separately: as `discriminate` takes it.
    """
    real_logits, fake_logits = discriminate(
        discriminator, real, fake, separately
    )
    value = loss.discriminator(real_logits, fake_logits)
    found = (
        value,
        tf.reduce_mean(real_logits),
        tf.reduce_mean(fake_logits),
        tf.reduce_mean(tf.sign(real_logits)),
    )
    if loss.penalty is None:
        return found
    points = loss.penalty.points(real[0], fake[0], shares)
    penalty = gradient_penalty(discriminator, loss.penalty, points, real[1])
    return value + loss.penalty.weight * penalty, *found[1:], penalty


def gradient_penalty(
    discriminator: tf.keras.Model,
    penalty: losses.Penalty,
    images: tf.Tensor,
    labels: tf.Tensor,
) -> tf.Tensor:
    """Returns a penalty on the discriminator's slope, without its weight.

    The images, their gradients and the penalty are float32 whatever the
    network computes in.

    Args:
        discriminator: a network from images, and labels, to logits.
        penalty: what to make of the gradients.
        images: where the slope is taken, `(batch, height, width, channels)`.
        labels: their labels `(batch,)`.
    """
    images = tf.cast(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        # Each logit depends on its own image alone.
        logits = tf.reduce_sum(
            discriminator(with_labels(discriminator, images, labels))
        )
    return penalty.measure(tape.gradient(logits, images))
