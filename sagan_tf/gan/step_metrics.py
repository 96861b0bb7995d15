"""The numbers of a step: averaged, and watched."""

from __future__ import annotations

import tensorflow as tf


def record(
    trackers: dict[str, tf.keras.metrics.Metric],
    values: dict[str, tf.Tensor],
    step: tf.Variable,
    nonfinite_step: tf.Variable,
) -> dict[str, tf.Tensor]:
    """Averages the numbers of a step, and notes the first that is not finite.

    Args:
        trackers: running means by name.
        values: this replica's numbers, scalars by the same names.
        step: the number of steps.
        nonfinite_step: becomes the first step with a number that is not
            finite; negative until then.

    Returns:
        The running means by name.
    """
    context = tf.distribute.get_replica_context()
    stacked = tf.stack(list(values.values()))
    if context.num_replicas_in_sync > 1:
        stacked = context.all_reduce(tf.distribute.ReduceOp.MEAN, stacked)
    broken = tf.logical_not(tf.reduce_all(tf.math.is_finite(stacked)))
    first = tf.logical_and(broken, nonfinite_step < 0)
    nonfinite_step.assign(tf.where(first, step, nonfinite_step))
    for name, value in zip(values, tf.unstack(stacked)):
        trackers[name].update_state(value)
    return {name: trackers[name].result() for name in values}
