"""Batch normalization as pure functions, of one replica's batch or of all.

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


def normalize_globally(
    inputs: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalizes by the batches of all replicas.

    All of them have to call it, with as many values, and to differentiate it
    if one does.

    Args:
        inputs: this replica's share, `(batch, height, width, channels)`.
        epsilon: added to the variance.

    Returns:
        What `normalize` returns, with the moments over all replicas.
    """
    ones = tf.ones((inputs.shape[-1],))

    @tf.custom_gradient
    def compute(inputs: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], Any]:
        _, local_mean, local_variance = normalize(inputs, epsilon)
        mean, square = _average_over_replicas(
            local_mean, local_variance + tf.square(local_mean)
        )
        variance = tf.maximum(square - tf.square(mean), 0.0)
        moments = mean, variance, epsilon

        def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            direct, of_scale, of_offset = _fused_gradient(
                upstream, inputs, *moments
            )
            # What all replicas make of the moments comes back to each input:
            # the mean of the gradient, and its slope along the outputs.
            count = count_values(inputs)
            slope, constant = _average_over_replicas(
                of_scale / count, of_offset / count
            )
            factor = tf.math.rsqrt(variance + epsilon)
            through_moments = _fused(
                inputs, *moments, slope * factor, constant * factor
            )
            return direct - through_moments

        outputs = _fused(inputs, *moments, ones, tf.zeros_like(ones))
        return (outputs, mean, variance), gradient

    return compute(inputs)


def _average_over_replicas(*values: tf.Tensor) -> list[tf.Tensor]:
    context = tf.distribute.get_replica_context()
    mean = tf.distribute.ReduceOp.MEAN
    return tf.unstack(context.all_reduce(mean, tf.stack(values)))


def _fused(
    inputs: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
    scale: tf.Tensor,
    offset: tf.Tensor,
) -> tf.Tensor:
    """Normalizes by given moments, scales and shifts, in float32 inside."""
    return tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=False,
    ).y


def _fused_gradient(
    upstream: tf.Tensor,
    inputs: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns gradients of `_fused` with a scale of one, by constant moments.

    Of the inputs; of the scale, and of the offset, summed over the batch.
    """
    found = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=upstream,
        x=inputs,
        scale=tf.ones_like(mean),
        reserve_space_1=mean,
        reserve_space_2=variance,
        reserve_space_3=tf.zeros((0,)),
        epsilon=epsilon,
        is_training=False,
    )
    return found.x_backprop, found.scale_backprop, found.offset_backprop


def normalize_by(
    inputs: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
    gain: tf.Tensor,
    bias: tf.Tensor,
) -> tf.Tensor:
    """Normalizes by given moments, then scales and shifts.

    In one pass in float32. In 16 bits the mean is taken away in float32, as
    training does: a shift of 16 bits that holds it would be off by more than
    what is left.

    Args:
        inputs: `(batch, height, width, channels)`.
        mean: `(channels,)`.
        variance: `(channels,)`.
        epsilon: added to the variance.
        gain: `(channels,)` or `(batch, channels)`.
        bias: like `gain`.
    """
    if inputs.dtype == tf.float32:
        scale = gain * tf.math.rsqrt(variance + epsilon)
        return scale_and_shift(inputs, scale, bias - mean * scale)
    ones = tf.ones_like(mean)
    outputs = _fused(inputs, mean, variance, epsilon, ones, tf.zeros_like(ones))
    return scale_and_shift(outputs, gain, bias)


def scale_and_shift(
    inputs: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor
) -> tf.Tensor:
    """Scales and shifts by channel, `(channels,)` or `(batch, channels)`."""
    if scale.shape.rank == 2:
        scale, shift = (
            value[:, tf.newaxis, tf.newaxis] for value in (scale, shift)
        )
    return inputs * tf.cast(scale, inputs.dtype) + tf.cast(shift, inputs.dtype)
