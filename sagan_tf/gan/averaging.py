"""Exponential moving averages of variables, under every strategy."""

from __future__ import annotations

from typing import Sequence

import tensorflow as tf


def move(
    pairs: Sequence[tuple[tf.Variable, tf.Variable]], rate: tf.Tensor
) -> None:
    """Moves each average by a share of the way towards its variable.

    Call it in a replica context. Variables that each replica keeps for itself
    are averaged there; mirrored ones once for all.

    Args:
        pairs: averages and the variables that they follow.
        rate: share of the way, a scalar in (0, 1]; 1 copies.
    """
    mirrored = []
    for average, variable in pairs:
        if variable.synchronization == tf.VariableSynchronization.ON_READ:
            _move(average, variable, rate)
        else:
            mirrored.append((average, variable))

    def update(strategy: tf.distribute.Strategy, rate: tf.Tensor) -> None:
        for average, variable in mirrored:
            strategy.extended.update(
                average, _move, args=(variable, rate), group=True
            )

    tf.distribute.get_replica_context().merge_call(update, args=(rate,))


def _move(
    average: tf.Variable, variable: tf.Tensor, rate: tf.Tensor
) -> tf.Operation:
    return average.assign_add(rate * (variable - average))
