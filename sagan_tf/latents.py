"""Latents and fake labels, reproducible by seed."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def draw(
    num_images: int, latent_dim: int, seed: int = 0, truncation: float = 0.0
) -> tf.Tensor:
    """Draws standard normal latents.

    Args:
        num_images: number of latents.
        latent_dim: length of each.
        seed: the same seed gives the same latents.
        truncation: numbers beyond this size are drawn again, so that the
            distribution is the normal one cut off there; 0 for no truncation.
            Reference: Brock et al. (arXiv:1809.11096), section 3.1.

    Returns:
        `(num_images, latent_dim)`, float32.

    Raises:
        ValueError: if `truncation` is negative.
    """
    shape, seeds = (num_images, latent_dim), (seed, 0x5A6A)
    if truncation < 0.0:
        raise ValueError(
            f"`truncation` should not be negative. Received: {truncation}"
        )
    if truncation == 0.0:
        return tf.random.stateless_normal(shape, seeds)
    return tf.random.stateless_parameterized_truncated_normal(
        shape, seeds, minvals=-truncation, maxvals=truncation
    )


def draw_for_replica(
    batch_size: Any, latent_dim: int, num_classes: int, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws the global batch and keeps the part of this replica.

    So the global batch does not depend on the number of replicas.

    Args:
        batch_size: pictures per replica.
        latent_dim: length of a latent.
        num_classes: number of classes; 0 for none.
        seed: `(2,)` integers.

    Returns:
        Latents `(batch_size, latent_dim)`, standard normal, and labels
        `(batch_size,)`, uniform over the classes (zeros without classes).
    """
    context = tf.distribute.get_replica_context()
    total = batch_size * context.num_replicas_in_sync
    # Two seeds: from one, both would come out of the same random bits.
    seeds = tf.random.experimental.stateless_split(seed)
    values = tf.random.stateless_normal((total, latent_dim), seeds[0])
    labels = tf.random.stateless_uniform(
        (total,), seeds[1], maxval=max(num_classes, 1), dtype=tf.int32
    )
    first = context.replica_id_in_sync_group * batch_size
    part = slice(first, first + batch_size)
    return values[part], labels[part]
