"""Mean and variance of each channel over a batch, of one replica or of all.

TensorFlow's fused operation stands in for what would be several passes over
memory; its sums are in float32 whatever the inputs are.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def count_values(inputs: tf.Tensor) -> tf.Tensor:
    """Returns how many values each channel has, a float32 scalar."""
    return tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)


def normalize(
    inputs: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalizes by this replica's batch.

    Args:
        inputs: `(batch, height, width, channels)`.
        epsilon: added to the variance.

    Returns:
        The normalized inputs; their mean and their biased variance before,
        `(channels,)` each, float32, through which no gradient flows.
    """
    channels = inputs.shape[-1]
    outputs, mean, variance, _, _, _ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=tf.ones((channels,)),
        offset=tf.zeros((channels,)),
        mean=tf.zeros((0,)),
        variance=tf.zeros((0,)),
        epsilon=epsilon,
        is_training=True,
    )
    count = count_values(inputs)
    return outputs, mean, variance * (tf.maximum(count - 1.0, 1.0) / count)


def global_moments(
    inputs: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and biased variance over all replicas.

    All of them have to call it, with as many values, and to differentiate it
    if one does.

    Args:
        inputs: this replica's share, `(batch, height, width, channels)`.
        epsilon: what the caller will add to the variance.

    Returns:
        `(channels,)` each, float32.
    """
    context = tf.distribute.get_replica_context()

    def average(*values: tf.Tensor) -> list[tf.Tensor]:
        mean = tf.distribute.ReduceOp.MEAN
        return tf.unstack(context.all_reduce(mean, tf.stack(values)))

    @tf.custom_gradient
    def compute(inputs: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
        _, local_mean, local_variance = normalize(inputs, epsilon)
        mean, square = average(
            local_mean, local_variance + tf.square(local_mean)
        )
        variance = tf.maximum(square - tf.square(mean), 0.0)

        def gradient(d_mean: tf.Tensor, d_variance: tf.Tensor) -> tf.Tensor:
            # What the other replicas make of the moments comes back here too.
            d_mean, d_variance = average(d_mean, d_variance)
            count = count_values(inputs)
            # (inputs - mean) * 2 * d_variance + d_mean, over the count: the
            # operation divides by the deviation, so it is given as a factor.
            deviation = tf.sqrt(variance + epsilon)
            return tf.raw_ops.FusedBatchNormV3(
                x=inputs,
                scale=2.0 * d_variance * deviation / count,
                offset=d_mean / count,
                mean=mean,
                variance=variance,
                epsilon=epsilon,
                is_training=False,
            ).y

        return (mean, variance), gradient

    return compute(inputs)
