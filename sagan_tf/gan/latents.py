"""Latents and fake labels, reproducible by seed."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

# Second word of a seed, which sets latents apart from other uses of the first.
_STREAM = 0x5A6A
# What sets the shares of mixtures, and the numbers of augmentation, apart from
# latents of the same seed.
SHARES, CHANGES = 0x5A6B, 0x5A6C


def draw(
    num_images: int, latent_dim: int, seed: int = 0, truncation: float = 0.0
) -> tf.Tensor:
    """Draws standard normal latents.

    Args:
        num_images: number of latents.
        latent_dim: length of each.
        seed: the same seed gives the same latents.
        truncation: as `truncate` takes it.

    Returns:
        `(num_images, latent_dim)`, float32.

    Raises:
        ValueError: if `truncation` is negative.
    """
    if truncation < 0.0:
        raise ValueError(
            f"`truncation` should not be negative. Received: {truncation}"
        )
    shape, seeds = (num_images, latent_dim), (seed, _STREAM)
    return truncate(tf.random.stateless_normal(shape, seeds), truncation)


def draw_each(seeds: Any, latent_dim: int, truncation: Any = 0.0) -> tf.Tensor:
    """Draws each latent from a seed of its own.

    So an image does not depend on those that are drawn beside it.

    Args:
        seeds: `(images,)`, int32.
        latent_dim: length of a latent.
        truncation: as `truncate` takes it: a number or one for each seed.

    Returns:
        `(images, latent_dim)`, float32.
    """
    values = tf.map_fn(
        lambda seed: tf.random.stateless_normal(
            (latent_dim,), tf.stack((seed, _STREAM))
        ),
        tf.convert_to_tensor(seeds, tf.int32),
        fn_output_signature=tf.TensorSpec((latent_dim,), tf.float32),
    )
    truncation = tf.convert_to_tensor(truncation, tf.float32)
    return truncate(values, tf.reshape(truncation, (-1, 1)))


def truncate(values: tf.Tensor, truncation: Any) -> tf.Tensor:
    """Turns normal numbers into ones of the truncated normal distribution.

    Each number keeps its sign and its rank, so that a latent moves steadily
    inwards as the truncation falls. The distribution is the one that drawing
    again whatever is too large would give.

    Reference: Brock et al. (arXiv:1809.11096), section 3.1.

    Args:
        values: standard normal numbers.
        truncation: size that no number exceeds, of a shape that broadcasts;
            0 for no truncation.

    Returns:
        Numbers of the shape of `values`.
    """
    limit = tf.convert_to_tensor(truncation, values.dtype)
    root = tf.constant(2.0**0.5, values.dtype)
    share = tf.math.erf(tf.abs(values) / root) * tf.math.erf(limit / root)
    # Far out the share rounds to one, whose inverse is infinite.
    size = tf.where(share < 1.0, root * tf.math.erfinv(share), tf.abs(values))
    size = tf.minimum(size, limit)
    return tf.where(limit > 0.0, tf.sign(values) * size, values)


def draw_for_replica(
    batch_size: Any,
    latent_dim: int,
    num_classes: int,
    seed: tf.Tensor,
    class_shares: Sequence[float] | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws the global batch and keeps the part of this replica.

    So the global batch does not depend on the number of replicas.

    Args:
        batch_size: images per replica.
        latent_dim: length of a latent.
        num_classes: number of classes; 0 for none.
        seed: `(2,)` integers.
        class_shares: how often each class comes, to sum up to 1; equally often
            by default.

    Returns:
        Latents `(batch_size, latent_dim)`, standard normal, and labels
        `(batch_size,)` (zeros without classes).
    """
    total, part = _share_of_replica(batch_size)
    # Two seeds: from one, both would come out of the same random bits.
    seeds = tf.random.experimental.stateless_split(seed)
    values = tf.random.stateless_normal((total, latent_dim), seeds[0])
    if class_shares is None:
        labels = tf.random.stateless_uniform(
            (total,), seeds[1], maxval=max(num_classes, 1), dtype=tf.int32
        )
    else:
        ends = tf.cumsum(tf.constant(class_shares, tf.float32))[:-1]
        chance = tf.random.stateless_uniform((total,), seeds[1])
        labels = tf.searchsorted(ends, chance, side="right")
    return values[part], labels[part]


def draw_uniform_for_replica(
    batch_size: Any, seed: tf.Tensor, stream: int, *shape: int
) -> tf.Tensor:
    """Draws numbers for the global batch and keeps those of this replica.

    Args:
        batch_size: images per replica.
        seed: `(2,)` integers, which may be those of the latents.
        stream: what they are for, `SHARES` or `CHANGES`.
        *shape: that of each image's numbers; nothing for one number.

    Returns:
        `(batch_size, *shape)`, uniform in [0, 1).
    """
    total, part = _share_of_replica(batch_size)
    seed = tf.random.experimental.stateless_fold_in(seed, stream)
    return tf.random.stateless_uniform((total, *shape), seed)[part]


def _share_of_replica(batch_size: Any) -> tuple[Any, slice]:
    """Returns the size of the global batch and the part of this replica."""
    context = tf.distribute.get_replica_context()
    first = context.replica_id_in_sync_group * batch_size
    total = batch_size * context.num_replicas_in_sync
    return total, slice(first, first + batch_size)
