"""Gradient steps under loss scaling and under distribution strategies."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def with_loss_scaling(optimizer: Any, compute_dtype: str) -> Any:
    """Wraps an optimizer so that float16 gradients do not vanish.

    Keras does this for a model's one optimizer only. Other dtypes have the
    range of float32 and need no scaling.

    Args:
        optimizer: a Keras optimizer.
        compute_dtype: dtype that the network computes in.
    """
    if compute_dtype != "float16" or hasattr(optimizer, "get_scaled_loss"):
        return optimizer
    return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)


def scale(loss: tf.Tensor, optimizer: Any) -> tf.Tensor:
    """Returns what to differentiate for a mean over the global batch.

    Gradients are summed over replicas, so each takes its share of the loss,
    times the factor of `with_loss_scaling` if there is one.

    Args:
        loss: mean over this replica's batch, a scalar.
        optimizer: the optimizer that will apply the gradients.
    """
    loss /= tf.distribute.get_strategy().num_replicas_in_sync
    if hasattr(optimizer, "get_scaled_loss"):
        return optimizer.get_scaled_loss(loss)
    return loss


def apply(
    optimizer: Any,
    tape: tf.GradientTape,
    scaled_loss: tf.Tensor,
    variables: list[tf.Variable],
) -> None:
    """Takes one step on the gradients of a scaled loss.

    Args:
        optimizer: the optimizer.
        tape: the tape that recorded the loss.
        scaled_loss: what `scale` returned.
        variables: what to update.
    """
    gradients = tape.gradient(scaled_loss, variables)
    if hasattr(optimizer, "get_unscaled_gradients"):
        gradients = optimizer.get_unscaled_gradients(gradients)
    optimizer.apply_gradients(zip(gradients, variables))
