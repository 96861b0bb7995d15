"""Adversarial losses and penalties: pure functions."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Union

import tensorflow as tf

from sagan_tf.errors import UserError, nearest_name

# Added to a squared norm, which is near 1.
_SMALL = 1e-12


class Penalty(NamedTuple):
    """A penalty on the slope of the discriminator.

    Attributes:
        points: `(real, fake, shares) -> images` at which the slope is taken:
            real and generated images `(batch, height, width, channels)`, and
            `shares` `(batch,)`, uniform in [0, 1).
        measure: from the gradient of each logit at its image, of the shape of
            the images, to a scalar.
        weight: what it is multiplied by.
    """

    points: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    measure: Callable[[tf.Tensor], tf.Tensor]
    weight: float


class AdversarialLoss(NamedTuple):
    """The two sides of an adversarial loss.

    Attributes:
        discriminator: `(real_logits, fake_logits) -> scalar`.
        generator: `(fake_logits) -> scalar`.
        penalty: what the discriminator's side has besides, if anything.
    """

    discriminator: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]
    penalty: Penalty | None = None


def hinge_discriminator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor
) -> tf.Tensor:
    """Returns the mean of `relu(1 - real)` plus the mean of `relu(1 + fake)`.

    Reference: Lim and Ye, "Geometric GAN" (arXiv:1705.02894); equation 4 of
    SAGAN (arXiv:1805.08318).

    Args:
        real_logits: logits of real images, any shape.
        fake_logits: logits of generated images, any shape.

    Returns:
        A float32 scalar, at least 0.
    """
    real_logits = tf.cast(real_logits, tf.float32)
    fake_logits = tf.cast(fake_logits, tf.float32)
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(
        tf.nn.relu(1.0 + fake_logits)
    )


def hinge_generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Returns minus the mean logit of generated images.

    Reference: equation 4 of SAGAN (arXiv:1805.08318).

    Args:
        fake_logits: logits of generated images, any shape.

    Returns:
        A float32 scalar.
    """
    return -tf.reduce_mean(tf.cast(fake_logits, tf.float32))


def wasserstein_discriminator_loss(
    real_logits: tf.Tensor, fake_logits: tf.Tensor
) -> tf.Tensor:
    """Returns the mean logit of generated images minus that of real ones.

    Reference: Arjovsky et al., "Wasserstein GAN" (arXiv:1701.07875).

    Args:
        real_logits: logits of real images, any shape.
        fake_logits: logits of generated images, any shape.

    Returns:
        A float32 scalar.
    """
    return tf.reduce_mean(tf.cast(fake_logits, tf.float32)) - tf.reduce_mean(
        tf.cast(real_logits, tf.float32)
    )


def interpolate(
    real: tf.Tensor, fake: tf.Tensor, shares: tf.Tensor
) -> tf.Tensor:
    """Mixes pairs of images.

    Args:
        real: `(batch, height, width, channels)`.
        fake: the same shape.
        shares: `(batch,)` in [0, 1], the real image's share of each mixture.

    Returns:
        `(batch, height, width, channels)`, float32.
    """
    shares = tf.cast(shares, tf.float32)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)
    return shares * real + (1.0 - shares) * fake


def distance_from_unit_norm(gradients: tf.Tensor) -> tf.Tensor:
    """Returns the mean squared distance of each image's gradient norm from one.

    Reference: Gulrajani et al., "Improved Training of Wasserstein GANs"
    (arXiv:1704.00028), equation 3.

    Args:
        gradients: of each logit at its image, `(batch, height, width,
            channels)`.

    Returns:
        A float32 scalar, at least 0.
    """
    squares = tf.square(tf.cast(gradients, tf.float32))
    # A root has no slope at zero, where a dead discriminator's gradient is.
    norms = tf.sqrt(tf.reduce_sum(squares, (1, 2, 3)) + _SMALL)
    return tf.reduce_mean(tf.square(norms - 1.0))


def half_squared_norm(gradients: tf.Tensor) -> tf.Tensor:
    """Returns half of the mean squared norm of each image's gradient.

    At real images this is R1: Mescheder et al., "Which Training Methods for
    GANs do actually Converge?" (arXiv:1801.04406), equation 9.

    Args:
        gradients: of each logit at its image, `(batch, height, width,
            channels)`.

    Returns:
        A float32 scalar, at least 0.
    """
    squares = tf.square(tf.cast(gradients, tf.float32))
    return 0.5 * tf.reduce_mean(tf.reduce_sum(squares, (1, 2, 3)))


def at_real(real: tf.Tensor, fake: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
    """Returns the real images, where R1 is taken."""
    del fake, shares
    return real


LOSSES = {
    "hinge": AdversarialLoss(hinge_discriminator_loss, hinge_generator_loss),
    # The generator's side is the same: minus the mean logit.
    "wasserstein": AdversarialLoss(
        wasserstein_discriminator_loss,
        hinge_generator_loss,
        Penalty(interpolate, distance_from_unit_norm, weight=10.0),
    ),
}


_OURS = tuple(LOSSES)

# What stands for a loss: itself, its name, or the pair of its functions.
Loss = Union[AdversarialLoss, str, "tuple[Callable, Callable]"]


def register(name: str, loss: Loss) -> AdversarialLoss:
    """Gives a loss a name, by which a model and a configuration know it.

    A name that was given before gets the new loss, so that a file may be run
    again.

    Args:
        name: letters, digits and underscores.
        loss: as `get` takes it.

    Raises:
        ValueError: if the name is of a loss of ours, or the loss is none.
    """
    if name in _OURS or not name.isidentifier():
        raise ValueError(
            "`name` of a loss should be letters, digits and underscores, and "
            f"none of {sorted(_OURS)}. Received: {name!r}"
        )
    LOSSES[name] = get(loss)
    return LOSSES[name]


def get(
    loss: Loss, penalty_weight: float | None = None, r1_weight: float = 0.0
) -> AdversarialLoss:
    """Returns a loss.

    Args:
        loss: one of `LOSSES` by its name, a pair of functions
            `(real_logits, fake_logits) -> scalar` of the discriminator and
            `(fake_logits) -> scalar` of the generator, or what is returned.
        penalty_weight: of the penalty, if the loss has one; None for its own.
        r1_weight: of R1, which a loss without a penalty can have; 0 for none.

    Raises:
        UserError: if there is no loss of that name, or it has a penalty of its
            own beside R1.
        ValueError: if it is no loss.
    """
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise UserError(
                f"`loss` should be one of {sorted(LOSSES)}, or a name that "
                "sagan_tf.gan.losses.register was given (of a command: in the "
                "file of --config=FILE.py). Received: "
                f"{loss!r}{nearest_name(loss, LOSSES)}"
            )
        loss = LOSSES[loss]
    elif not isinstance(loss, AdversarialLoss):
        loss = _of_pair(loss)
    if r1_weight:
        return _with_r1(loss, r1_weight)
    if loss.penalty is None or penalty_weight is None:
        return loss
    return loss._replace(penalty=loss.penalty._replace(weight=penalty_weight))


def _with_r1(loss: AdversarialLoss, weight: float) -> AdversarialLoss:
    if loss.penalty is not None:
        raise UserError(
            "`r1_weight` should be 0 with a loss that has a penalty. "
            f"Received: {weight}"
        )
    return loss._replace(penalty=Penalty(at_real, half_squared_norm, weight))


def _of_pair(loss: Any) -> AdversarialLoss:
    is_pair = isinstance(loss, (tuple, list)) and len(loss) == 2
    if not is_pair or not all(map(callable, loss)):
        raise ValueError(
            "`loss` should be a name, an AdversarialLoss or a pair of "
            f"functions, the discriminator's first. Received: {loss!r}"
        )
    return AdversarialLoss(*loss)
