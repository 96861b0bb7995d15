"""Gradient steps under loss scaling and under distribution strategies."""

from __future__ import annotations

import numbers
from typing import Any, Callable, Sequence

import numpy as np
import tensorflow as tf


def prepare(optimizer: Any, network: tf.keras.Model) -> Any:
    """Makes an optimizer ready for a network in any dtype.

    In float16 the loss is scaled, so that gradients do not vanish, which Keras
    does for a model's one optimizer only. Other dtypes have the range of
    float32.

    Args:
        optimizer: a Keras optimizer.
        network: a network whose variables exist.

    Returns:
        The optimizer with its slots, wrapped if the network needs scaling.
    """
    create_slots(optimizer, network.trainable_variables)
    is_scaled = hasattr(optimizer, "get_scaled_loss")
    if network.compute_dtype != "float16" or is_scaled:
        return optimizer
    return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)


def create_slots(optimizer: Any, variables: Sequence[tf.Variable]) -> None:
    """Creates what an optimizer keeps for each variable.

    It would do so in the first step, and a graph in which variables were
    created is traced again. Here a step is traced and not taken: nothing moves,
    whatever the optimizer.

    Args:
        optimizer: an optimizer; one that has taken steps stays as it is.
        variables: what it will update.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)

    def step() -> None:
        zeros = [tf.zeros(variable.shape) for variable in variables]
        optimizer.apply_gradients(zip(zeros, variables))

    strategy = tf.distribute.get_strategy()
    tf.function(lambda: strategy.run(step)).get_concrete_function()


def learning_rate(optimizer: Any) -> float:
    """Returns the rate of an optimizer's last update."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = optimizer.learning_rate
    if isinstance(rate, tf.keras.optimizers.schedules.LearningRateSchedule):
        rate = rate(max(int(optimizer.iterations.numpy()) - 1, 0))
    return float(rate)


def hyperparameters(optimizer: Any) -> dict[str, float]:
    """Returns the numbers that an optimizer keeps as variables, by name.

    A checkpoint holds them too. To go on with other ones, take them before it
    is restored and `set_hyperparameters` then.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return {
        name: value
        for name, value in optimizer.get_config().items()
        if isinstance(value, numbers.Real)
        and isinstance(getattr(optimizer, name, None), tf.Variable)
    }


def set_hyperparameters(optimizer: Any, values: dict[str, float]) -> None:
    """Sets what `hyperparameters` returned."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    for name, value in values.items():
        getattr(optimizer, name).assign(value)


def minimize(
    optimizer: Any,
    variables: Sequence[tf.Variable],
    compute: Callable[..., tuple[tf.Tensor, ...]],
    batch: Sequence[tf.Tensor],
    parts: int = 1,
    state: Sequence[tf.Variable] = (),
) -> tuple[tf.Tensor, ...]:
    """Takes one step on the mean of a loss over a batch.

    With several parts only one of them is in memory at a time. Each starts
    from the same state, and the state that the step leaves is the mean of what
    each part alone would leave: a vector of spectral normalization, which is
    the same in each, moves once, and a moving average moves once, by the mean
    of the parts' statistics.

    Args:
        optimizer: a Keras optimizer.
        variables: what to update.
        compute: from tensors of a part of the batch to the loss and other
            numbers, each a mean over that part.
        batch: tensors with the same first dimension, a multiple of `parts`.
        parts: number of equal parts.
        state: variables, other than `variables`, that `compute` assigns.

    Returns:
        What `compute` returned, over the whole batch; the loss is NaN if a
        gradient is not finite.
    """
    sums = None
    start = [tf.identity(variable) for variable in state] if parts > 1 else []
    for part in zip(*(tf.split(tensor, parts) for tensor in batch)):
        # What an earlier part added up to is all that outlives it.
        with tf.control_dependencies(_tensors(sums)):
            if sums is not None:
                _assign(state, start)
            found = _differentiate(optimizer, variables, compute, part, parts)
            if parts > 1:
                found += ([tf.identity(variable) for variable in state],)
            sums = found if sums is None else _add(sums, found)
    gradients, values, *states = sums
    if parts > 1:
        _assign(state, [value / parts for value in states[0]])
    is_scaled = hasattr(optimizer, "get_unscaled_gradients")
    if is_scaled:
        gradients = optimizer.get_unscaled_gradients(gradients)
    optimizer.apply_gradients(zip(gradients, variables))
    loss, *others = (value / parts for value in values)
    if not is_scaled:
        # Fused kernels turn NaN into 0 in a rectifier, so that a loss can look
        # well while the weights break: the gradients tell. Loss scaling meets
        # infinite gradients on purpose.
        found = [gradient for gradient in gradients if gradient is not None]
        is_well = tf.math.is_finite(tf.linalg.global_norm(found))
        loss = tf.where(is_well, loss, np.nan)
    return (loss, *others)


def _differentiate(
    optimizer: Any,
    variables: Sequence[tf.Variable],
    compute: Callable[..., tuple[tf.Tensor, ...]],
    part: Sequence[tf.Tensor],
    parts: int,
) -> tuple[list[tf.Tensor], ...]:
    """Returns gradients of a part of the scaled loss, and what to report."""
    with tf.GradientTape() as tape:
        values = list(compute(*part))
        # Gradients are summed over replicas: each takes its share of the loss.
        loss = values[0] / parts
        loss /= tf.distribute.get_strategy().num_replicas_in_sync
        if hasattr(optimizer, "get_scaled_loss"):
            loss = optimizer.get_scaled_loss(loss)
    gradients = tape.gradient(loss, variables)
    # The gradient of a class's row is sparse. One fused kernel over the whole
    # table is the same step in fewer passes than the sparse one.
    return [
        None if gradient is None else tf.convert_to_tensor(gradient)
        for gradient in gradients
    ], values


def _tensors(sums: Any) -> list[tf.Tensor]:
    return [each for each in tf.nest.flatten(sums) if each is not None]


def _add(first: Any, second: Any) -> Any:
    return tf.nest.map_structure(
        lambda a, b: None if a is None else a + b, first, second
    )


def _assign(
    variables: Sequence[tf.Variable], values: Sequence[tf.Tensor]
) -> None:
    for variable, value in zip(variables, values):
        variable.assign(value)


def counter(name: str, value: int) -> tf.Variable:
    """Returns a number of steps that every replica keeps for itself."""
    return replica_variable(name, value, tf.int64)


def replica_variable(
    name: str, value: float, dtype: tf.DType = tf.float32
) -> tf.Variable:
    """Returns a number that every replica keeps for itself, all the same."""
    return tf.Variable(
        value,
        name=name,
        dtype=dtype,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
