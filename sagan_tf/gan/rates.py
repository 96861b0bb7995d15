"""Learning rates as functions of the step."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

# What a rate is multiplied by, from the share of the way to the end.
_SHAPES = {
    "constant": lambda share: tf.ones_like(share),
    "linear": lambda share: 1.0 - share,
    "cosine": lambda share: 0.5 * (1.0 + tf.cos(math.pi * share)),
}
KINDS = tuple(_SHAPES)


@tf.keras.utils.register_keras_serializable("sagan_tf")
class LearningRate(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises linearly at first, and falls then.

    It is a function of the number of updates, which a checkpoint holds, so a
    run that goes on goes on with it.

    Args:
        rate: the rate after the warm-up.
        kind: one of `KINDS`: how it falls.
        warmup_steps: steps in which it rises; 0 for none.
        end_step: step at which it has fallen, and stays.
        end_share: what is left of it then, in [0, 1].
        updates_per_step: updates of the optimizer in one step.

    Raises:
        ValueError: if `kind` is unknown, or the end is not after the warm-up.
    """

    def __init__(
        self,
        rate: float,
        kind: str = "constant",
        warmup_steps: int = 0,
        end_step: int = 1,
        end_share: float = 0.0,
        updates_per_step: int = 1,
    ):
        super().__init__()
        if kind not in KINDS:
            raise ValueError(
                f"`kind` should be one of {KINDS}. Received: {kind!r}"
            )
        if kind != "constant" and end_step <= warmup_steps:
            raise ValueError(
                f"`end_step` should be above `warmup_steps` ({warmup_steps}). "
                f"Received: {end_step}"
            )
        self._config = {
            "rate": rate,
            "kind": kind,
            "warmup_steps": warmup_steps,
            "end_step": end_step,
            "end_share": end_share,
            "updates_per_step": updates_per_step,
        }

    def __call__(self, updates: tf.Tensor) -> tf.Tensor:
        """Returns the rate after a number of updates, a float32 scalar."""
        config = self._config
        # Whole steps: all updates of one have the same rate.
        step = tf.cast(updates, tf.int64) // config["updates_per_step"]
        step, warmup = tf.cast(step, tf.float32), config["warmup_steps"]
        length = max(config["end_step"] - warmup, 1)
        share = tf.clip_by_value((step - warmup) / length, 0.0, 1.0)
        left = _SHAPES[config["kind"]](share)
        left = config["end_share"] + (1.0 - config["end_share"]) * left
        rise = tf.minimum((step + 1.0) / max(warmup, 1), 1.0)
        return config["rate"] * rise * left

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return dict(self._config)
