"""Differentiable augmentation of what the discriminator sees.

Real and generated images are changed alike, at random, and gradients pass
through the changes to the generator, so that it learns images that are not
changed. Few images then last longer before the discriminator knows them by
heart.

Reference: Zhao et al., "Differentiable Augmentation for Data-Efficient GAN
Training" (arXiv:2006.10738). That each change is made with a probability, and
how this adapts: Karras et al., "Training Generative Adversarial Networks with
Limited Data" (arXiv:2006.06676).
"""

from __future__ import annotations

from typing import Callable, Sequence

import tensorflow as tf

# Uniform numbers that an image's changes take.
NUMBERS = 10
# Largest shift as a share of the image's side, and the side that is cut out.
_SHIFT, _CUTOUT = 0.125, 0.5


def brightness(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Adds from -0.5 to 0.5 to every colour.

    Like all changes of colour it leaves a fourth channel as it is.

    Args:
        images: `(batch, height, width, channels)` in [-1, 1], float32.
        numbers: `(batch, 1, 1, 1)`, uniform in [0, 1).

    Returns:
        Images of the same shape, which may leave [-1, 1].
    """
    return _of_colors(images, lambda colors: colors + numbers - 0.5)


def saturation(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Scales each pixel's distance from its grey by 0 to 2."""

    def scale(colors: tf.Tensor) -> tf.Tensor:
        mean = tf.reduce_mean(colors, -1, keepdims=True)
        return mean + 2.0 * numbers * (colors - mean)

    return _of_colors(images, scale)


def contrast(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Scales the distance from the image's mean by 0.5 to 1.5."""

    def scale(colors: tf.Tensor) -> tf.Tensor:
        mean = tf.reduce_mean(colors, (1, 2, 3), keepdims=True)
        return mean + (numbers + 0.5) * (colors - mean)

    return _of_colors(images, scale)


def _of_colors(
    images: tf.Tensor, change: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    if images.shape[-1] != 4:
        return change(images)
    return tf.concat((change(images[..., :3]), images[..., 3:]), -1)


def translate(
    images: tf.Tensor, down: tf.Tensor, right: tf.Tensor
) -> tf.Tensor:
    """Shifts each image by up to an eighth of its sides; zeros come in.

    Args:
        images: `(batch, height, width, channels)`.
        down: `(batch,)`, uniform in [0, 1).
        right: the same.
    """
    for axis, numbers in ((1, down), (2, right)):
        size = images.shape[axis]
        most = int(size * _SHIFT + 0.5)
        shifts = tf.cast(numbers * (2 * most + 1), tf.int32) - most
        # A border of zeros at both ends, where all that is outside is.
        border = [[0, 0], [0, 0], [0, 0], [0, 0]]
        border[axis] = [1, 1]
        places = tf.range(size)[tf.newaxis] + 1 + shifts[:, tf.newaxis]
        images = tf.gather(
            tf.pad(images, border),
            tf.clip_by_value(places, 0, size + 1),
            axis=axis,
            batch_dims=1,
        )
    return images


def cut_out(images: tf.Tensor, down: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Puts zeros in the place of a part of half the sides.

    Args:
        images: `(batch, height, width, channels)`.
        down: `(batch,)`, uniform in [0, 1): where its middle is.
        right: the same.
    """
    inside = [
        _is_inside(size, numbers)
        for size, numbers in zip(images.shape[1:3], (down, right))
    ]
    hole = inside[0][:, :, tf.newaxis] & inside[1][:, tf.newaxis]
    return tf.where(hole[..., tf.newaxis], 0.0, images)


def _is_inside(size: int, numbers: tf.Tensor) -> tf.Tensor:
    """Returns whether each row of an image is cut: `(batch, size)`."""
    length = int(size * _CUTOUT + 0.5)
    middles = tf.cast(numbers * (size + 1 - length % 2), tf.int32)
    starts = middles[:, tf.newaxis] - length // 2
    rows = tf.range(size)[tf.newaxis]
    return (starts <= rows) & (rows < starts + length)


def _color(images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    for index, change in enumerate((brightness, saturation, contrast)):
        column = numbers[:, index, tf.newaxis, tf.newaxis, tf.newaxis]
        images = change(images, column)
    return images


# By name: what changes images by `NUMBERS` columns, and which of them tells
# whether it does.
_CHANGES = {
    "color": (_color, 7),
    "translation": (lambda x, n: translate(x, n[:, 3], n[:, 4]), 8),
    "cutout": (lambda x, n: cut_out(x, n[:, 5], n[:, 6]), 9),
}
NAMES = tuple(_CHANGES)


def augment(
    images: tf.Tensor,
    numbers: tf.Tensor,
    names: Sequence[str],
    probability: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """Changes images, each in its own way.

    Args:
        images: `(batch, height, width, channels)` in [-1, 1].
        numbers: `(batch, NUMBERS)`, uniform in [0, 1).
        names: which changes, some of `NAMES`, in this order.
        probability: that a change is made to an image.

    Returns:
        Images of the same shape, float32, which may leave [-1, 1].
    """
    images = tf.cast(images, tf.float32)
    for name in names:
        change, gate = _CHANGES[name]
        is_made = numbers[:, gate] < probability
        images = tf.where(
            is_made[:, tf.newaxis, tf.newaxis, tf.newaxis],
            change(images, numbers),
            images,
        )
    return images


def adapted(
    probability: tf.Tensor,
    real_sign: tf.Tensor,
    target: float,
    images: tf.Tensor | int,
    images_to_one: int,
) -> tf.Tensor:
    """Returns the next probability: more where the discriminator is too sure.

    Args:
        probability: that of the step.
        real_sign: mean sign of the logits of real images, in [-1, 1]: 0 where
            nothing is known by heart, 1 where all is.
        target: the sign to hold.
        images: real images of the step.
        images_to_one: real images in which it could go from 0 to 1.
    """
    step = tf.cast(images, tf.float32) / images_to_one
    moved = probability + tf.sign(real_sign - target) * step
    return tf.clip_by_value(moved, 0.0, 1.0)
