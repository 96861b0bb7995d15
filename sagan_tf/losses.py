"""Adversarial losses: pure functions of logits."""

from __future__ import annotations

from typing import Callable, NamedTuple

import tensorflow as tf


class AdversarialLoss(NamedTuple):
    """The two sides of an adversarial loss.

    Attributes:
        discriminator: `(real_logits, fake_logits) -> scalar`.
        generator: `(fake_logits) -> scalar`.
    """

    discriminator: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]


def hinge_discriminator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor
) -> tf.Tensor:
    """Mean of `relu(1 - real)` plus mean of `relu(1 + fake)`.

    Reference: Lim and Ye, "Geometric GAN" (arXiv:1705.02894); equation 4 of
    SAGAN (arXiv:1805.08318).

    Args:
        real_logits: logits of real pictures, any shape.
        fake_logits: logits of generated pictures, any shape.

    Returns:
        A float32 scalar, at least 0.
    """
    real_logits = tf.cast(real_logits, tf.float32)
    fake_logits = tf.cast(fake_logits, tf.float32)
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(
        tf.nn.relu(1.0 + fake_logits)
    )


def hinge_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Minus the mean logit of generated pictures.

    Reference: equation 4 of SAGAN (arXiv:1805.08318).

    Args:
        fake_logits: logits of generated pictures, any shape.

    Returns:
        A float32 scalar.
    """
    return -tf.reduce_mean(tf.cast(fake_logits, tf.float32))


LOSSES = {
    "hinge": AdversarialLoss(hinge_discriminator_loss, hinge_generator_loss)
}


def get(name: str) -> AdversarialLoss:
    """Returns a loss by its name.

    Args:
        name: one of `LOSSES`.

    Raises:
        ValueError: if there is no loss of that name.
    """
    if name not in LOSSES:
        raise ValueError(
            f"`loss` should be one of {sorted(LOSSES)}. Received: {name!r}"
        )
    return LOSSES[name]
